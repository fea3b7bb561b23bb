"""Rows of the log to plain data and back. The columns stand here once, for reading and writing."""

import json
from dataclasses import fields as fields_of
from typing import Any

from trayalert.domain.alert import Alert, Identity, Kind, State
from trayalert.domain.incident import Change, Incident
from trayalert.domain.level import Level
from trayalert.domain.stored import StoredAlert, StoredIncident

INCIDENT_COLUMNS = tuple(field.name for field in fields_of(Incident))
_PLAIN_COLUMNS = (
    "at", "name", "rule_id", "metric", "metric_title", "value", "value_text", "unit", "expression", "namespace",
    "region", "resource_id", "resource_name", "account_id",
)  # fmt: skip
_ALERT_COLUMNS = (
    "id", "received_at", "incident_id", "deliveries", "late", "identity", "kind", "state", "level", "previous_level",
    *_PLAIN_COLUMNS, "group_name", "dimensions", "fields",
)  # fmt: skip
NEW_ALERT_COLUMNS = ("delivery_id", *_ALERT_COLUMNS)

SELECT_ALERT = (
    f"SELECT {', '.join(f'a.{column}' for column in _ALERT_COLUMNS)}, coalesce(i.key, ''), coalesce(i.subject, '')"
)
FROM_ALERT = " FROM alert AS a LEFT JOIN incident AS i ON i.id = a.incident_id"
SELECT_INCIDENT = f"SELECT {', '.join(f'i.{column}' for column in INCIDENT_COLUMNS)}"
SELECT_STORED_INCIDENT = f"{SELECT_INCIDENT}, {', '.join(f'a.{column}' for column in _ALERT_COLUMNS)}, i.key, i.subject"
FROM_STORED_INCIDENT = " FROM incident AS i JOIN alert AS a ON a.id = i.last_alert_id"


def incident_values(incident: Incident) -> tuple[Any, ...]:
    """Return the incident's values in the order of INCIDENT_COLUMNS."""
    return tuple(getattr(incident, column) for column in INCIDENT_COLUMNS)


def read_incident(row: tuple[Any, ...]) -> Incident:
    """Make an incident of a row of SELECT_INCIDENT."""
    values = dict(zip(INCIDENT_COLUMNS, row, strict=False))
    values["closed_by"] = Change(values["closed_by"]) if values["closed_by"] else None
    values["level"] = Level(values["level"])
    values["worst_level"] = Level(values["worst_level"])
    values["start_known"] = bool(values["start_known"])
    values["no_data"] = bool(values["no_data"])
    return Incident(**values)


def alert_values(stored: StoredAlert, *, delivery_id: int) -> tuple[Any, ...]:
    """Return the alert's values in the order of NEW_ALERT_COLUMNS."""
    alert = stored.alert
    return (
        delivery_id,
        stored.id,
        stored.received_at,
        stored.incident_id,
        stored.deliveries,
        stored.late,
        alert.identity.text,
        alert.kind,
        alert.state,
        alert.level,
        alert.previous_level,
        *(getattr(alert, column) for column in _PLAIN_COLUMNS),
        alert.group,
        _compact(alert.dimensions),
        _compact(alert.fields),
    )


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read_alert(row: tuple[Any, ...], *, raw: bytes | None = None) -> StoredAlert:
    """Make an alert of a row of SELECT_ALERT."""
    (id_, received_at, incident_id, deliveries, late, identity, kind, state, level, previous_level), rest = (
        row[:10],
        row[10:],
    )
    plain, (group, dimensions, fields, key, subject) = rest[: len(_PLAIN_COLUMNS)], rest[len(_PLAIN_COLUMNS) :][:5]
    alert = Alert(
        kind=Kind(kind),
        identity=Identity(text=identity, timed=plain[0] is not None),
        key=key,
        subject=subject,
        state=State(state) if state else None,
        level=Level(level),
        previous_level=Level(previous_level) if previous_level else None,
        **dict(zip(_PLAIN_COLUMNS, plain, strict=True)),
        group=group,
        dimensions=json.loads(dimensions),
        fields=json.loads(fields),
    )
    return StoredAlert(
        id=id_,
        received_at=received_at,
        incident_id=incident_id,
        deliveries=deliveries,
        late=bool(late),
        alert=alert,
        raw=raw,
    )


def read_stored_incident(row: tuple[Any, ...]) -> StoredIncident:
    """Make an incident with its alert of a row of SELECT_STORED_INCIDENT."""
    width = len(INCIDENT_COLUMNS)
    return StoredIncident(incident=read_incident(row[:width]), alert=read_alert(row[width:]))
