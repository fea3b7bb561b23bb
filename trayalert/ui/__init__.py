"""All of Qt. Widgets have no await, no rules, no SQL: events come up as frozen dataclasses, wishes go down by `Desk`."""
