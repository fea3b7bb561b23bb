"""Queries on the log over a read-only connection. The queries work whether or not trayalert is running.

A `Reader` must be used only on the thread that created it. A query sees everything that was committed before the query
started.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from trayalert.callbacks.parsing.body import read_body
from trayalert.domain.callback import INTERNAL_METHOD, Callback
from trayalert.domain.gap import Gap
from trayalert.domain.incident.alert import Kind
from trayalert.domain.incident.incident import Incident
from trayalert.domain.incident.level import Level, read_level
from trayalert.domain.incident.stored_alert import LastReport, SecretUse, StoredAlert, StoredIncident, Totals
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis
from trayalert.storage.companion_files import FileId, file_id, file_ids
from trayalert.storage.faults import DamagedLog, LogFault, NoLog, fault_of, reason_of
from trayalert.storage.read_connection import connect_read_only, refuse_replaced_file
from trayalert.storage.rows import (
    FROM_ALERT,
    FROM_STORED_INCIDENT,
    GAP_COLUMNS,
    LARGEST_PARSED_BODY,
    SELECT_ALERT,
    SELECT_INCIDENT,
    SELECT_RAW_ALERT,
    SELECT_STORED_INCIDENT,
    read_alert,
    read_gap,
    read_incident,
    read_stored_incident,
)
from trayalert.storage.schema import refuse_other_version, schema_version

_SEARCH_COLUMNS = (
    "a.name", "a.resource_id", "a.resource_name", "a.metric", "a.metric_title", "a.rule_id", "a.namespace", "a.region",
    "a.value_text", "a.expression", "a.group_name", "a.account_id", "a.kind", "a.state", "a.level", "a.dimensions",
    f"CASE WHEN length(d.body) <= {LARGEST_PARSED_BODY} THEN texts(d.query, d.body) ELSE a.more END",
)  # fmt: skip
_MAX_ID = 2**63 - 1


class Reader:
    """Runs queries on the log. Each method raises NoLog if there is no log yet, and LogFault if the log cannot be read.

    Before each query, the reader checks whether its open file is still the file at the path. If another file is at the
    path, the reader opens that file instead. After a failed query, the reader closes its file, and the next query opens
    the file at the path. All times are in milliseconds since 1970 in UTC.
    """

    def __init__(self, path: Path, *, busy_timeout: float = 2.0) -> None:
        """Open the log. A query waits up to `busy_timeout` seconds for a lock of another program."""
        self._path = path
        self._busy_timeout = busy_timeout
        self._file_ids: tuple[FileId, ...] = ()
        self._connection: sqlite3.Connection | None = None
        self._ensure_connected()

    def _ensure_connected(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._file_ids == file_ids(self._path):
                return self._connection
            self.close()
        own = file_id(self._path)
        try:
            self._path.stat()
            refuse_replaced_file(self._path)
            self._connection = connection = connect_read_only(self._path, timeout=self._busy_timeout)
            if schema_version(connection) == 0:
                raise NoLog(Phrase("the log {path} has never been set up", path=self._path))
            refuse_other_version(connection, self._path)
            connection.create_function("texts", 2, _body_text, deterministic=True)
        except FileNotFoundError as error:
            raise NoLog(Phrase("there is no log {path} yet", path=self._path)) from error
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            self.close()
            raise self._fault(error) from error
        except LogFault:
            self.close()
            raise
        if file_id(self._path) != own:  # another file took its place meanwhile, so either file may be open
            self.close()
            return self._ensure_connected()
        self._file_ids = file_ids(self._path)
        return connection

    def _fault(self, error: sqlite3.Error | OSError | UnicodeDecodeError) -> LogFault:
        fault = fault_of(error, self._path)
        if isinstance(fault, DamagedLog):
            return fault
        return LogFault(
            Phrase(
                "the log {path} cannot be read: {reason}. May you read the file and its folder, and is its disk there? "
                "Then try again.",
                path=self._path,
                reason=reason_of(error),
            )
        )

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def alerts(
        self, *, limit: int | None, after: int | None = None, search: str | None = None, raw: bool = False
    ) -> Iterator[StoredAlert]:
        """Return alerts. The newest alert comes first or, if `after` is given, the oldest alert.

        - `limit` is the maximum number of alerts, or None for no maximum.
        - If `after` is given, only alerts with a higher id than `after` are returned.
        - If `search` is given, only alerts that contain this string are returned. _SEARCH_COLUMNS lists what is
          searched, including the text of the body.
        - If `raw` is set, each alert includes the body of its first delivery as bytes.
        """
        wheres, parameters, order = ["1"], list[Any](), "DESC"
        if after is not None:
            wheres, parameters, order = ["a.id > ?"], [after], "ASC"
        if search is not None:
            wheres.append("(" + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in _SEARCH_COLUMNS) + ")")
            parameters += [_like_pattern(search)] * len(_SEARCH_COLUMNS)
        where = " AND ".join(wheres)
        sql = f"{SELECT_RAW_ALERT if raw else SELECT_ALERT}{FROM_ALERT} WHERE {where} ORDER BY a.id {order} LIMIT ?"
        for row in self._rows(sql, (*parameters, -1 if limit is None else limit)):
            yield read_alert(row, raw=raw)

    def alerts_between(self, since: int, until: int) -> Iterator[StoredAlert]:
        """Return the alerts that arrived at or after `since` and before `until`, oldest first."""
        sql = f"{SELECT_ALERT}{FROM_ALERT} WHERE a.received_at >= ? AND a.received_at < ? ORDER BY a.id"
        return map(read_alert, self._rows(sql, (since, until)))

    def salvaging(self) -> bool:
        """Return whether the salvage of a quarantined log is unfinished.

        Until all salvages are finished, open incidents may be missing from the log.
        """
        return any(number for (number,) in self._rows("SELECT count(*) FROM salvage WHERE finished_at IS NULL"))

    def alerts_of(self, incident_id: int, *, limit: int) -> list[StoredAlert]:
        """Return at most `limit` alerts of an incident, most recently arrived first."""
        sql = f"{SELECT_ALERT}{FROM_ALERT} WHERE a.incident_id = ? ORDER BY a.id DESC LIMIT ?"
        return [read_alert(row) for row in self._rows(sql, (incident_id, limit))]

    def open_incidents(self) -> list[StoredIncident]:
        """Return all open incidents, most recently opened first.

        Incidents that opened at the same time are sorted by id, highest first.
        """
        return list(self._incidents("WHERE i.closed_at IS NULL ORDER BY i.opened_at DESC, i.id DESC"))

    def worst_open_incidents(self, *, limit: int) -> list[StoredIncident]:
        """Return at most `limit` open incidents, worst level first.

        Within a level, the most recently opened incidents come first.
        """
        ranks = " ".join(f"WHEN '{level}' THEN {level.rank}" for level in Level)
        order = f"CASE i.level {ranks} END DESC, i.opened_at DESC, i.id DESC"
        return list(self._incidents(f"WHERE i.closed_at IS NULL ORDER BY {order} LIMIT ?", limit))

    def closed_incidents(self, *, before: StoredIncident | None, limit: int) -> list[StoredIncident]:
        """Return at most `limit` closed incidents, most recently closed first.

        `before` is the last incident of the previous page, or None for the first page.
        """
        at, id_ = (_MAX_ID, _MAX_ID) if before is None else (before.incident.closed_at, before.incident.id)
        where = "WHERE i.closed_at IS NOT NULL AND (i.closed_at, i.id) < (?, ?)"
        return list(self._incidents(f"{where} ORDER BY i.closed_at DESC, i.id DESC LIMIT ?", at, id_, limit))

    def incidents(self, ids: Sequence[int]) -> list[StoredIncident]:
        """Return the incidents with the given ids, in no particular order."""
        found: list[StoredIncident] = []
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            found += self._incidents(f"WHERE i.id IN ({_parameters(some)})", *some)
        return found

    def incident_states(self, ids: Sequence[int]) -> list[Incident]:
        """Return the incidents with the given ids, without their alerts, in no particular order.

        This method is ten times as fast as the method `incidents`.
        """
        sql = f"{SELECT_INCIDENT} FROM incident AS i WHERE i.id IN (SELECT value FROM json_each(?))"
        return list(map(read_incident, self._rows(sql, (json.dumps(ids),))))

    def every_incident(self, *, only_open: bool = False) -> Iterator[StoredIncident]:
        """Return all incidents or, if `only_open` is set, all open incidents. The highest id comes first."""
        return self._incidents(f"{'WHERE i.closed_at IS NULL' if only_open else ''} ORDER BY i.id DESC")

    def open_levels(self) -> dict[Level, int]:
        """Return how many open incidents each level has. Levels without open incidents are left out."""
        sql = "SELECT level, count(*) FROM incident WHERE closed_at IS NULL GROUP BY level"
        found: Counter[Level] = Counter()
        for level, count in self._rows(sql):
            found[read_level(str(level))] += count
        return dict(found)

    def last_callback_at(self) -> int | None:
        """Return when the most recent callback from a sender arrived, or None if no callback has arrived.

        Deliveries that trayalert itself created are ignored.
        """
        sql = "SELECT received_at FROM delivery WHERE method <> ? ORDER BY id DESC LIMIT 1"
        row = next(iter(self._rows(sql, (INTERNAL_METHOD,))), None)
        return row[0] if row else None

    def secret_uses(self) -> list[SecretUse]:
        """Return how often each secret was used and when it was last used, sorted by the secret's name.

        Secrets that have been deleted are included.
        """
        sql = "SELECT name, deliveries, last_at FROM secret_use ORDER BY name"
        return [SecretUse(*row) for row in self._rows(sql)]

    def gaps(self, *, limit: int) -> list[Gap]:
        """Return at most `limit` gaps, most recently begun first."""
        sql = f"SELECT {GAP_COLUMNS} FROM gap ORDER BY began_at DESC, id DESC LIMIT ?"
        return [read_gap(row) for row in self._rows(sql, (limit,))]

    def gaps_after(self, since: Millis) -> list[Gap]:
        """Return the gaps that are still open or that ended after `since`, in no particular order."""
        sql = f"SELECT {GAP_COLUMNS} FROM gap WHERE ended_at IS NULL OR ended_at > ?"
        return [read_gap(row) for row in self._rows(sql, (since,))]

    def newest_delivery_id(self) -> int:
        """Return the id of the newest delivery, or 0 if there are no deliveries."""
        row = next(iter(self._rows("SELECT max(id) FROM delivery")))
        return row[0] or 0

    def reports(self, *, after: int, last: int) -> list[LastReport]:
        """Return the latest report of each rule on each resource. Only deliveries with `after` < id <= `last` count.

        Retries and other repeats of an alert count as reports, too.
        """
        return [LastReport(*row) for row in self._rows(_REPORTS, (after, last, after, last))]

    def open_incident_reports(self, *, since: Millis) -> list[LastReport]:
        """Return the latest report of each open incident whose latest report arrived after `since`.

        Repeats that are not retries count as reports, too.
        """
        sql = (
            f"SELECT {_REPORT_COLUMNS}, i.last_received_at FROM incident AS i JOIN alert AS a ON a.id = i.last_alert_id"
            " WHERE i.closed_at IS NULL AND i.last_received_at > ?"
        )
        return [LastReport(*row) for row in self._rows(sql, (since,))]

    def latest_incidents(self, keys: Sequence[str]) -> list[StoredIncident]:
        """Return the latest incident of each of the given keys, in no particular order.

        Keys without an incident are left out. If a key has an incident without an OK, this incident is the latest
        incident. If all incidents of a key have an OK, the incident with the latest OK is the latest incident. An
        incident without an OK may also be closed, for example by the user.
        """
        latest = (
            f"SELECT id, max(coalesce(ok_at, {_MAX_ID})) FROM incident WHERE key IN ({_parameters(keys)}) GROUP BY key"
        )
        return list(self._incidents(f"WHERE i.id IN (SELECT id FROM ({latest}))", *keys))

    def open_incidents_of_kind(self, kind: Kind) -> list[StoredIncident]:
        """Return the open incidents whose latest alert by event time is of the given kind."""
        return list(self._incidents("WHERE i.closed_at IS NULL AND a.kind = ?", str(kind)))

    def totals(self) -> Totals:
        """Return counts for the whole log, and the time of the most recent callback."""
        sql = """
            SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM delivery),
                   (SELECT count(*) FROM alert WHERE kind = 'unrecognised'),
                   (SELECT count(*) FROM incident WHERE closed_at IS NULL)
        """
        alerts, deliveries, unrecognised, open_incidents = next(iter(self._rows(sql)))
        return Totals(
            alerts=alerts,
            deliveries=deliveries,
            unrecognised=unrecognised,
            open_incidents=open_incidents,
            last_callback_at=self.last_callback_at(),
        )

    def _incidents(self, conditions: str, *parameters: Any) -> Iterator[StoredIncident]:
        return map(
            read_stored_incident,
            self._rows(f"{SELECT_STORED_INCIDENT}{FROM_STORED_INCIDENT} {conditions}", parameters),
        )

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self._ensure_connected().execute(sql, parameters)
            try:
                for row in cursor:  # noqa: UP028 - `yield from` would close the cursor, too
                    yield row
            finally:
                with suppress(sqlite3.ProgrammingError):  # raised if the reader was closed before the last row
                    cursor.close()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self.close()
            raise self._fault(error) from error


_REPORT_COLUMNS = ", ".join(f"a.{name}" for name in LastReport._fields[:-1])
_REPORTS = f"""
    SELECT {_REPORT_COLUMNS}, max(a.received_at) FROM (
        SELECT {_REPORT_COLUMNS}, a.received_at FROM alert AS a WHERE a.delivery_id > ? AND a.delivery_id <= ?
        UNION ALL
        SELECT {_REPORT_COLUMNS}, d.received_at FROM delivery AS d JOIN alert AS a ON a.id = d.alert_id
        WHERE d.id > ? AND d.id <= ? AND a.delivery_id <> d.id
    ) AS a GROUP BY {_REPORT_COLUMNS}
"""


def _body_text(query: bytes, body: bytes) -> str:
    """Return a callback's text for the search in `Reader.alerts`: the decoded values of its fields, one per line.

    For a field with an empty value, the line contains the name of the field.
    """
    fields = read_body(Callback(received_at=0, method="", query=query, body=body)).fields
    return "\n".join(value or name for name, value in fields.items())


def _parameters(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _like_pattern(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
