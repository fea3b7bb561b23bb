"""All of Qt. Widgets have no await, rule or SQL: events come up as frozen dataclasses, wishes go down by `Desk`."""
