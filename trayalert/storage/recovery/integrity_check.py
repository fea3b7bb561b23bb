"""Checks whether the log is damaged. The check only reads the log, so it may run while trayalert runs.

Damage is reported in messages and never raised as an exception. Rows are read one by one, so a longer log takes more
time, but not more memory.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.text import printable
from trayalert.storage.faults import DamagedLog, LogFault, fault_of
from trayalert.storage.read_connection import open_read_only
from trayalert.storage.rows import ALERT_DIGESTED, DELIVERY_DIGESTED, INCIDENT_DIGESTED, digest_of
from trayalert.storage.schema import refuse_other_version, schema_version

_MAX_LINES = 20
"""Maximum number of problems that SQLite's own check should list. A longer list would not be useful."""

_DIGESTED = {"delivery": DELIVERY_DIGESTED, "alert": ALERT_DIGESTED, "incident": INCIDENT_DIGESTED}
_UNREADABLE = {
    "delivery": N_("the deliveries cannot all be read: only {count:,} of them could."),
    "alert": N_("the alerts cannot all be read: only {count:,} of them could."),
    "incident": N_("the incidents cannot all be read: only {count:,} of them could."),
}
_CHANGED = {
    "delivery": N_("{count:,} deliveries are not what was written: {ids}."),
    "alert": N_("{count:,} alerts are not what was written: {ids}."),
    "incident": N_("{count:,} incidents are not what was written: {ids}."),
}

_ALERTS_WITHOUT_DELIVERY = """
    SELECT id FROM alert WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.id = alert.delivery_id)
"""
_ALERTS_WITHOUT_INCIDENT = """
    SELECT id FROM alert
    WHERE incident_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.id = alert.incident_id)
"""
_INCIDENTS_WITHOUT_ALERT = """
    SELECT id FROM incident WHERE NOT EXISTS (SELECT 1 FROM alert WHERE alert.id = incident.last_alert_id)
"""
_MISCOUNTED_ALERTS = """
    SELECT incident.id FROM incident LEFT JOIN
        (SELECT incident_id, count(*) AS found FROM alert WHERE incident_id IS NOT NULL GROUP BY incident_id) AS sums
        ON sums.incident_id = incident.id
    WHERE coalesce(found, 0) > alerts OR ((SELECT max(thinned) FROM numbering) = 0 AND coalesce(found, 0) < alerts)
"""
_MISCOUNTED_DELIVERIES = """
    SELECT alert.id FROM alert JOIN
        (SELECT alert_id, count(*) AS found FROM delivery WHERE alert_id IS NOT NULL GROUP BY alert_id) AS sums
        ON sums.alert_id = alert.id
    WHERE found > deliveries
"""
_RELATIONS = {
    N_("alerts without their delivery"): _ALERTS_WITHOUT_DELIVERY,
    N_("alerts without their incident"): _ALERTS_WITHOUT_INCIDENT,
    N_("incidents without the alert that stands for them"): _INCIDENTS_WITHOUT_ALERT,
    N_("incidents that count their alerts wrong"): _MISCOUNTED_ALERTS,
    N_("alerts that count their deliveries wrong"): _MISCOUNTED_DELIVERIES,
}
"""Queries that return the ids of rows that contradict other rows. The keys describe the contradictions.

If retention has deleted rows, a count in another row may be higher than the number of remaining rows. The queries do
not report a count that is too high for this reason.
"""


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """The result of an integrity check."""

    problems: tuple[str, ...] = ()
    """A sentence for each problem. Empty if the check found nothing wrong."""
    rows: dict[str, int] = field(default_factory=dict)
    """The number of rows of each table, by the table's name. Empty if the log could not be opened."""
    undigested: int = 0
    """Number of rows that could not be checked, because they have no digest."""
    damaged: bool = False
    """Whether the log is damaged. If true, restoring a backup may help.

    False if there are only other problems, for example if a newer trayalert has written the log.
    """


def check_log(log: Path) -> IntegrityReport:
    """Check the whole log. No exception is raised, whatever the file contains."""
    try:
        with open_read_only(log) as connection:
            if schema_version(connection) == 0:
                text = N_("the log {path} has never been set up. Start this trayalert once: trayalert serve.")
                return IntegrityReport((Phrase(text, path=log),))
            refuse_other_version(connection, log)
    except LogFault as fault:
        return IntegrityReport((str(fault),), damaged=_is_damage(fault, log))
    rows, undigested = {}, 0
    problems = [*_check_structure(log)]
    for table in _DIGESTED:
        rows[table], count, found = _check_table(log, table)
        undigested += count
        problems += found
    problems += _check_relations(log)
    return IntegrityReport(tuple(dict.fromkeys(problems)), rows, undigested, damaged=bool(problems))


def _is_damage(fault: LogFault, log: Path) -> bool:
    """Return whether the fault is caused by damage to the log, and not by permissions or a lock."""
    cause = fault.__cause__
    return isinstance(cause, sqlite3.Error | UnicodeDecodeError) and isinstance(fault_of(cause, log), DamagedLog)


def _check_structure(log: Path) -> Iterator[str]:
    """Check the B-trees, pages and indexes with SQLite's own integrity check. Yield the problems."""
    try:
        with open_read_only(log) as connection:
            found = connection.execute(f"PRAGMA integrity_check({_MAX_LINES})").fetchall()
    except LogFault as fault:
        yield str(fault)
        return
    lines = [line for (line,) in found if line != "ok"]
    if lines:
        shown = "; ".join(printable(line, limit=200) for line in lines[:3])
        if len(lines) > 3:
            yield Phrase("the file is damaged: {damage} and {count} more.", damage=shown, count=len(lines) - 3)
        else:
            yield Phrase("the file is damaged: {damage}.", damage=shown)


def _check_table(log: Path, table: str) -> tuple[int, int, list[str]]:
    """Compare every row of the table with its digest.

    Return the number of rows, the number of rows without a digest, and a sentence for each problem.
    """
    rows = undigested = 0
    problems: list[str] = []
    wrong: list[int] = []
    try:
        with open_read_only(log) as connection:
            for number, digest, expected in _digests(connection, table):
                rows += 1
                if digest is None:
                    undigested += 1
                elif digest != expected:
                    wrong.append(number)
    except LogFault:
        problems.append(Phrase(_UNREADABLE[table], count=rows))
    if wrong:
        problems.append(Phrase(_CHANGED[table], count=len(wrong), ids=_ids_text(wrong)))
    return rows, undigested, problems


def _digests(connection: sqlite3.Connection, table: str) -> Iterator[tuple[int, bytes | None, bytes]]:
    """For each row, yield its id, its stored digest and the digest of its current values."""
    columns = _DIGESTED[table]
    place = columns.index("id")
    for digest, *values in connection.execute(f"SELECT digest, {', '.join(columns)} FROM {table}"):
        yield values[place], digest, digest_of(table, values)


def count_changed_rows(connection: sqlite3.Connection) -> int:
    """Return how many of the log's rows do not match their digests. Raise sqlite3.Error if a row cannot be read."""
    rows = (row for table in _DIGESTED for row in _digests(connection, table))
    return sum(digest not in {None, expected} for _, digest, expected in rows)


def _check_relations(log: Path) -> Iterator[str]:
    for what, sql in _RELATIONS.items():
        try:
            with open_read_only(log) as connection:
                found = [number for (number,) in connection.execute(sql)]
        except LogFault:
            yield Phrase("it cannot be told whether there are {what}, as the file is damaged.", what=Phrase(what))
            continue
        if found:
            yield Phrase("{count:,} {what}: {ids}.", count=len(found), what=Phrase(what), ids=_ids_text(found))


def _ids_text(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    return f"{shown}, ..." if len(numbers) > 5 else shown
