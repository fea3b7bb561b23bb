"""Conversion between the log's rows and plain data. Only this module lists the columns that are read and written.

A row with a damaged value can still be read, because one damaged row must not make other rows unreadable. An invalid
state is read as ALERT and an invalid level as WARN, because damage must not make an alert look harmless.
"""

import enum
import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from trayalert.callbacks.parsing.body import read_body
from trayalert.domain.callback import Callback
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import read_level
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.phrase import phrase_from_text
from trayalert.domain.times import Millis

TABLES = ("delivery", "alert", "incident")
LastIds = tuple[int, int, int]
"""The highest delivery id, alert id and incident id that a log has ever assigned."""

INCIDENT_COLUMNS = Incident._fields
GAP_COLUMNS = "id, cause, began_at, ended_at, why"
_LEVEL_INDEXES = [INCIDENT_COLUMNS.index(name) for name in ("level", "worst_level")]
_FLAG_INDEXES = [INCIDENT_COLUMNS.index(name) for name in ("start_known", "no_data")]
_CLOSED_BY = INCIDENT_COLUMNS.index("closed_by")
_PLAIN_COLUMNS = (
    "at", "name", "rule_id", "metric", "metric_title", "value", "value_text", "unit", "expression", "namespace",
    "region", "resource_id", "resource_name", "account_id",
)  # fmt: skip
_ALERT_COLUMNS = (
    "id", "received_at", "incident_id", "deliveries", "late", "identity", "kind", "state", "level", "previous_level",
    *_PLAIN_COLUMNS, "group_name", "dimensions", "more",
)  # fmt: skip
DELIVERY_DIGESTED = ("id", "received_at", "method", "query", "content_type", "sender", "secret", "body")
ALERT_DIGESTED = ("delivery_id", *(name for name in _ALERT_COLUMNS if name != "deliveries"))
INCIDENT_DIGESTED = INCIDENT_COLUMNS
"""DELIVERY_DIGESTED, ALERT_DIGESTED and INCIDENT_DIGESTED are the columns that a row's digest covers.

`digest_of` takes the values in the order of these columns. Some columns are updated without computing a new digest. No
digest covers these columns: `deliveries` and `last_delivery_id` of an alert, and `alert_id` of a delivery.
"""

_MORE = ("address", "message", "titles", "links")
_VALUE = ALERT_DIGESTED.index("value")

NEW_ALERT_ROW = ("deliveries", "last_delivery_id", "digest", *ALERT_DIGESTED)
INCIDENT_ROW = ("digest", *INCIDENT_COLUMNS)
"""NEW_ALERT_ROW and INCIDENT_ROW are the names of the values that `alert_row` and `incident_row` return.

`last_delivery_id` is the id of the most recently received delivery of the alert. The value and the message in the
alert's row come from that delivery.
"""

LARGEST_PARSED_BODY = 64 * 1024
"""Maximum size in bytes of a body that is parsed when one of its alerts is read from the log.

A larger body may contain hundreds of alerts, and would be parsed again for each of these alerts.
"""
_BODY = f"CASE WHEN length(d.body) <= {LARGEST_PARSED_BODY} THEN d.body END"
_ALERT = f"{', '.join(f'a.{column}' for column in _ALERT_COLUMNS)}, d.sender, d.query, {_BODY}"
SELECT_ALERT = f"SELECT {_ALERT}, coalesce(i.key, ''), coalesce(i.subject, '')"
SELECT_RAW_ALERT = SELECT_ALERT.replace(_BODY, "d.body")
FROM_ALERT = (
    " FROM alert AS a JOIN delivery AS d ON d.id = a.delivery_id LEFT JOIN incident AS i ON i.id = a.incident_id"
)
SELECT_INCIDENT = f"SELECT {', '.join(f'i.{column}' for column in INCIDENT_COLUMNS)}"
UPDATE_ALERT = f"UPDATE alert SET digest = ?, {', '.join(f'{name} = ?' for name in ALERT_DIGESTED)} WHERE id = ?"
UPDATE_INCIDENT = f"UPDATE incident SET {', '.join(f'{name} = ?' for name in INCIDENT_ROW)} WHERE id = ?"
SELECT_STORED_INCIDENT = f"{SELECT_INCIDENT}, {_ALERT}, i.key, i.subject"
FROM_STORED_INCIDENT = (
    " FROM incident AS i JOIN alert AS a ON a.id = i.last_alert_id JOIN delivery AS d ON d.id = a.delivery_id"
)

_INTEGERS = {
    "id", "received_at", "incident_id", "deliveries", "late", "at", "last_alert_id", "opened_at", "closed_at", "ok_at",
    "fired_at", "expires_at", "last_at", "last_received_at", "alerts", "start_known", "no_data",
}  # fmt: skip


def _column_type(column: str) -> type:
    return int if column in _INTEGERS else float if column == "value" else bytes if column in {"query", "body"} else str


_INCIDENT_TYPES = tuple(map(_column_type, INCIDENT_COLUMNS))
_ALERT_TYPES = tuple(map(_column_type, (*_ALERT_COLUMNS, "sender", "query", "body", "key", "subject")))
_LARGEST_INTEGER = 2**53
_DIGEST_SIZE = 16

_Enum = TypeVar("_Enum", bound=enum.StrEnum)

_plain_values = attrgetter(*_PLAIN_COLUMNS)
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_digested_json = json.JSONEncoder(
    separators=(",", ":"), check_circular=False, default=lambda value: [len(value)]
).encode


def digest_of(table: str, values: Sequence[Any]) -> bytes:
    """Return the digest of a row's values. The values may be numbers, strings, bytes or None.

    If any byte of a value changes, the digest changes. The digest is the same on every machine. The values include the
    id of the row, so the digest also reveals that a row was overwritten with another row.
    """
    # The JSON is ASCII, and its end is unambiguous. For each bytes value, the JSON has a list that contains
    # only the value's length. No other value becomes a list. The bytes themselves are hashed after the JSON.
    digest = hashlib.blake2b((table + _digested_json(values)).encode(), digest_size=_DIGEST_SIZE)
    for value in values:
        if type(value) is bytes:
            digest.update(value)
    return digest.digest()


def incident_row(incident: Incident) -> list[Any]:
    """Return the values of an incident's row, including its digest, in the order of INCIDENT_ROW.

    Enum members are converted to plain `str`, because binding an instance of a `str` subclass to an SQL parameter is
    many times slower.
    """
    values: list[Any] = list(incident)
    for place in _LEVEL_INDEXES:
        values[place] = str(values[place])
    if incident.closed_by is not None:
        values[_CLOSED_BY] = str(incident.closed_by)
    for place in _FLAG_INDEXES:
        values[place] = int(values[place])
    return [digest_of("incident", values), *values]


def read_incident(row: Sequence[Any]) -> Incident:
    """Return the incident in `row`, whose values are in the order of INCIDENT_COLUMNS."""
    values = list(row)
    for place, expected in enumerate(_INCIDENT_TYPES):
        value = values[place]
        if value is not None and type(value) is not expected:
            values[place] = _coerce(expected, value)
    for place in _LEVEL_INDEXES:
        values[place] = read_level(values[place])
    if values[_CLOSED_BY] is not None:
        values[_CLOSED_BY] = _read_enum(values[_CLOSED_BY], Change.EXPIRED)
    for place in _FLAG_INDEXES:
        values[place] = bool(values[place])
    return Incident._make(values)


def alert_row(
    alert: Alert,
    *,
    alert_id: int,
    delivery_id: int,
    received_at: Millis,
    incident_id: int | None,
    late: bool,
    deliveries: int = 1,
) -> list[Any]:
    """Return the values of a new alert's row, including its digest, in the order of NEW_ALERT_ROW."""
    values = [
        delivery_id,
        alert_id,
        received_at,
        incident_id,
        int(late),
        alert.identity.text,
        str(alert.kind),
        str(alert.state) if alert.state else None,
        alert.level and str(alert.level),
        str(alert.previous_level) if alert.previous_level else None,
        *_plain_values(alert),
        alert.group,
        _compact(alert.dimensions),
        _more_column(alert),
    ]
    if alert.value is not None:
        values[_VALUE] += 0.0  # SQLite returns -0.0 as 0.0, so the digest must be computed from 0.0
    return [deliveries, delivery_id, digest_of("alert", values), *values]


def renewed_row(stored: Sequence[Any], alert: Alert) -> list[Any]:
    """Return the row of a stored alert with the value, the unit and the message of a repeat.

    `alert` is the repeat. `stored` has the current values of the stored alert, in the order of ALERT_DIGESTED. The
    result is the new digest, followed by the new values in the order of ALERT_DIGESTED.
    """
    row = dict(zip(ALERT_DIGESTED, stored, strict=True))
    value = None if alert.value is None else alert.value + 0.0
    more = _more_json(_read_object(row["more"] or "{}") | {"message": alert.message})
    row |= {"value": value, "value_text": alert.value_text, "unit": alert.unit, "more": more}
    values = list(row.values())
    return [digest_of("alert", values), *values]


def read_alert(row: tuple[Any, ...], *, raw: bool = False) -> StoredAlert:
    """Return the alert in a row that was selected with SELECT_ALERT or, if `raw` is set, with SELECT_RAW_ALERT.

    The alert's `fields` are parsed from the body. If the body is larger than LARGEST_PARSED_BODY, `fields` is empty.
    """
    row = tuple(
        value if value is None or type(value) is expected else _coerce(expected, value)
        for value, expected in zip(row, _ALERT_TYPES, strict=True)
    )
    width = 10 + len(_PLAIN_COLUMNS)
    id_, received_at, incident_id, deliveries, late, identity, kind, state, level, previous_level = row[:10]
    plain = dict(zip(_PLAIN_COLUMNS, row[10:width], strict=True))
    group, dimensions, more, sender, query, body, key, subject = row[width:]
    extras = _read_object(more) if more else {}
    too_large = body is None or len(body) > LARGEST_PARSED_BODY
    alert = Alert(
        kind=Kind(kind),
        identity=Identity(text=identity, timed=plain["at"] is not None),
        key=key,
        subject=subject,
        state=_read_enum(state, State.ALERT) if state else None,
        level=read_level(level),
        previous_level=read_level(previous_level) if previous_level else None,
        **plain,
        group=group,
        address=_text_of(extras, "address"),
        message=_text_of(extras, "message"),
        titles=_texts_of(extras, "titles"),
        links=_texts_of(extras, "links"),
        dimensions=_read_object(dimensions),
        fields={} if too_large else read_body(Callback(received_at=0, method="", query=query, body=body)).fields,
    )
    return StoredAlert(
        id=id_,
        received_at=received_at,
        incident_id=incident_id,
        deliveries=deliveries,
        late=bool(late),
        alert=alert,
        sender=sender,
        too_large=too_large,
        raw=body if raw else None,
    )


def _coerce(expected: type, value: Any) -> Any:
    """Convert a value from a damaged row to the type that its column should have.

    A value that cannot be converted becomes 0 in a column of integers, and None in a column of floats.
    """
    if expected is int:
        return int(value) if isinstance(value, float) and abs(value) < _LARGEST_INTEGER else 0
    if expected is float:
        return float(value) if isinstance(value, int) else None
    if expected is bytes:
        return str(value).encode("utf-8", "replace")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read_enum(text: str, default: _Enum) -> _Enum:
    """Return the member of `default`'s enum that has the given text, or `default` if there is no such member."""
    try:
        return type(default)(text)
    except ValueError:
        return default


def _more_column(alert: Alert) -> str | None:
    """Return a JSON object of the alert's fields in _MORE, or None if all these fields are empty."""
    return _more_json({name: getattr(alert, name) for name in _MORE})


def _more_json(more: Mapping[str, Any]) -> str | None:
    some = {name: more[name] for name in _MORE if more.get(name)}
    return _compact(some) if some else None


def message_in(more: str | None) -> str | None:
    """Return the message in the `more` column of an alert, or None if there is no message."""
    return _text_of(_read_object(more), "message") if more else None


def _read_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text_of(more: dict[str, Any], name: str) -> str | None:
    value = more.get(name)
    return value if isinstance(value, str) else None


def _texts_of(more: dict[str, Any], name: str) -> dict[str, str]:
    value = more.get(name)
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def read_stored_incident(row: tuple[Any, ...]) -> StoredIncident:
    """Return the stored incident in a row that was selected with SELECT_STORED_INCIDENT."""
    width = len(INCIDENT_COLUMNS)
    return StoredIncident(incident=read_incident(row[:width]), alert=read_alert(row[width:]))


def last_id(connection: sqlite3.Connection, table: str) -> int:
    """Return the highest id that was ever assigned in the given table.

    Raise ValueError if the table `numbering` is empty, which only damage can cause. Raise sqlite3.Error if a table
    cannot be read.
    """
    sql = f"SELECT max(coalesce((SELECT max(id) FROM {table}), 0), (SELECT max({table}) FROM numbering))"
    (highest,) = connection.execute(sql).fetchone()
    if highest is None:
        raise ValueError("the ids that were given away are gone")
    return int(highest)


def raise_numbering(connection: sqlite3.Connection, last_ids: LastIds = (0, 0, 0), *, thinned: int = 0) -> None:
    """Record in the table `numbering` that all ids up to `last_ids`, and the ids of all existing rows, were assigned.

    Recorded ids are never assigned again. `thinned` is the highest id among the deliveries that are being retired, or 0
    if no deliveries are being retired.
    """
    settings = (f"{table} = max({table}, ?, coalesce((SELECT max(id) FROM {table}), 0))" for table in TABLES)
    sql = f"UPDATE numbering SET {', '.join(settings)}, thinned = max(thinned, ?)"
    connection.execute(sql, (*last_ids, thinned))


def rewrite_numbering(connection: sqlite3.Connection) -> None:
    """Make the current transaction write a page without changing any content.

    The commit of the transaction then has to write to the disk, and fails if the disk has a fault.
    """
    for step in "+-":  # SQLite writes no page for an update that leaves the row unchanged
        connection.execute(f"UPDATE numbering SET delivery = delivery {step} 1")


def make_callback(values: Sequence[Any]) -> Callback:
    """Return the callback that was stored with the given values, which are in the order of DELIVERY_DIGESTED[1:]."""
    return Callback(**dict(zip(DELIVERY_DIGESTED[1:], values, strict=True)))


def read_gap(row: tuple[Any, ...]) -> Gap:
    """Return the gap in `row`, whose values are in the order of GAP_COLUMNS."""
    id_, cause, began_at, ended_at, why = row
    return Gap(id=id_, cause=GapCause(cause), began_at=began_at, ended_at=ended_at, why=phrase_from_text(why))
