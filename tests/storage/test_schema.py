"""Files that were released stay readable. Steps 1 to 3 stand here once more, as they went out: never edit them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.making import append, keep_raw, reading, rows, store, writing
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.alert import UNRECOGNISED, Kind, State
from trayalert.domain.gap import Cause
from trayalert.domain.incident import Change
from trayalert.domain.level import Level
from trayalert.storage.closing import Expire
from trayalert.storage.faults import LogFault, NoLog
from trayalert.storage.gaps import AddGap
from trayalert.storage.reader import Reader
from trayalert.storage.rows import ALERT_DIGESTED, row_digest
from trayalert.storage.schema import STEPS, bring_up_to_date, version_of
from trayalert.storage.writing import Writing

STEP_1 = """
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        alert_id INTEGER,
        method TEXT NOT NULL,
        query BLOB NOT NULL,
        content_type TEXT NOT NULL,
        sender TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE alert (
        id INTEGER PRIMARY KEY,
        delivery_id INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        incident_id INTEGER,
        deliveries INTEGER NOT NULL,
        late INTEGER NOT NULL,
        identity TEXT NOT NULL,
        kind TEXT NOT NULL,
        state TEXT,
        level TEXT NOT NULL,
        previous_level TEXT,
        at INTEGER,
        name TEXT,
        rule_id TEXT,
        metric TEXT,
        metric_title TEXT,
        value REAL,
        value_text TEXT,
        unit TEXT,
        expression TEXT,
        namespace TEXT,
        region TEXT,
        resource_id TEXT,
        resource_name TEXT,
        account_id TEXT,
        group_name TEXT,
        dimensions TEXT NOT NULL
    ) STRICT;
    CREATE INDEX alert_identity ON alert (identity);
    CREATE INDEX alert_incident ON alert (incident_id);
    CREATE INDEX alert_unrecognised ON alert (kind) WHERE kind = 'unrecognised';
    CREATE TABLE incident (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        subject TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        start_known INTEGER NOT NULL,
        closed_at INTEGER,
        closed_by TEXT,
        level TEXT NOT NULL,
        worst_level TEXT NOT NULL,
        no_data INTEGER NOT NULL,
        fired_at INTEGER,
        ok_at INTEGER,
        last_at INTEGER NOT NULL,
        last_received_at INTEGER NOT NULL,
        expires_at INTEGER,
        alerts INTEGER NOT NULL,
        last_alert_id INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX incident_key ON incident (key, ok_at);
    CREATE INDEX incident_subject ON incident (subject, ok_at);
    CREATE INDEX incident_open ON incident (opened_at) WHERE closed_at IS NULL;
    CREATE INDEX incident_closed ON incident (closed_at, id) WHERE closed_at IS NOT NULL;
    """

STEP_2 = """
    ALTER TABLE delivery ADD COLUMN secret TEXT NOT NULL DEFAULT '';
    ALTER TABLE delivery ADD COLUMN digest BLOB;
    ALTER TABLE alert ADD COLUMN digest BLOB;
    ALTER TABLE incident ADD COLUMN digest BLOB;
    CREATE INDEX alert_delivery ON alert (delivery_id);
    CREATE TABLE secret_use (
        name TEXT PRIMARY KEY,
        deliveries INTEGER NOT NULL,
        last_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE numbering (
        delivery INTEGER NOT NULL,
        alert INTEGER NOT NULL,
        incident INTEGER NOT NULL,
        thinned INTEGER NOT NULL
    ) STRICT;
    INSERT INTO numbering VALUES (0, 0, 0, 0);
    CREATE TABLE salvage (
        folder TEXT PRIMARY KEY,
        why TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        finished_at INTEGER,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        position INTEGER NOT NULL,
        salvaged INTEGER NOT NULL,
        damaged INTEGER NOT NULL,
        missing INTEGER NOT NULL
    ) STRICT;
    """

STEP_3 = """
    ALTER TABLE alert ADD COLUMN more TEXT;
    CREATE TABLE reparse (
        begun_at INTEGER NOT NULL,
        position INTEGER NOT NULL,
        last INTEGER NOT NULL,
        turned INTEGER NOT NULL,
        refreshed INTEGER NOT NULL
    ) STRICT;
    """

CONTENT_2 = """
    INSERT INTO delivery VALUES (1, 1790000000500, 1, 'POST', x'', '', '', CAST('alertState=ALERT' AS BLOB), 'main',
        x'77e3');
    INSERT INTO alert (id, delivery_id, received_at, incident_id, deliveries, late, identity, kind, level, dimensions,
        digest) VALUES (1, 1, 1790000000500, NULL, 1, 0, 'aa', 'test', 'WARN', '{}',
        x'aac02303a4e1f3bcbd47a3f33c03b370');
"""

CONTENT = """
    INSERT INTO delivery VALUES
        (1, 1790000000500, 1, 'POST', x'', 'application/x-www-form-urlencoded', '10.0.0.9',
         CAST('alertName=CPU&alertState=ALERT&lastTime=5%E5%88%86%E9%92%9F' AS BLOB)),
        (2, 1790000005500, 1, 'POST', x'', '', '', x'61'),
        (3, 1790000010500, 2, 'GET', CAST('a=1' AS BLOB), '', '', x'');
    INSERT INTO alert (id, delivery_id, received_at, incident_id, deliveries, late, identity, kind, state, level,
                       previous_level, at, name, rule_id, metric, metric_title, value, value_text, unit, expression,
                       namespace, region, resource_id, resource_name, account_id, group_name, dimensions)
    VALUES
        (1, 1, 1790000000500, 1, 2, 0, 'aa', 'threshold', 'ALERT', 'CRITICAL', 'WARN', 1790000000000, 'CPU', 'rule-1',
         'CPUUtilization', 'CPU使用率', 97.5, '97.5', '%', '$Average>=95', 'acs_ecs', 'cn-hangzhou', 'i-1', 'web-01',
         '1', 'shop', '{"instanceId":"i-1"}'),
        (2, 3, 1790000010500, 2, 1, 0, 'bb', 'unrecognised', NULL, 'WARN', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}');
    INSERT INTO incident (id, key, subject, opened_at, start_known, closed_at, closed_by, level, worst_level, no_data,
                          fired_at, ok_at, last_at, last_received_at, expires_at, alerts, last_alert_id)
    VALUES
        (1, 'key-1', 'subject-1', 1790000000000, 1, 1790000060000, 'recovered', 'OK', 'CRITICAL', 0, 1790000000000,
         1790000060000, 1790000060000, 1790000060500, NULL, 2, 1),
        (2, '["unrecognised"]', '["unrecognised"]', 1790000010500, 1, NULL, NULL, 'WARN', 'WARN', 0, 1790000010500,
         NULL, 1790000010500, 1790000010500, 1790086410500, 1, 2);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def write(path: Path, *scripts: str, version: int) -> None:
    """Make a file as the trayalert of that time did."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for script in scripts:
            connection.executescript(script)
        connection.execute(f"PRAGMA user_version = {version}")


def shape(path: Path) -> list[tuple[str, str]]:
    return [
        (name, " ".join(sql.split()))
        for name, sql in rows(path, "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY 1")
    ]


def test_a_file_of_version_1_opens_and_reads(path: Path) -> None:
    write(path, STEP_1, CONTENT, version=1)

    with writing(path):
        pass

    with reading(path) as reader:
        second, first = reader.alerts(limit=10, raw=True)
        assert (first.id, first.deliveries, first.incident_id, first.late) == (1, 2, 1, False)
        assert first.received_at == 1_790_000_000_500
        alert = first.alert
        assert (alert.kind, alert.state) == (Kind("threshold"), State.ALERT)
        assert (alert.level, alert.previous_level) == (Level.CRITICAL, Level.WARN)
        assert (alert.name, alert.metric_title, alert.value, alert.value_text) == ("CPU", "CPU使用率", 97.5, "97.5")
        assert (alert.group, alert.dimensions) == ("shop", {"instanceId": "i-1"})
        assert alert.fields == {"alertName": "CPU", "alertState": "ALERT", "lastTime": "5分钟"}
        assert first.raw is not None
        assert first.raw.startswith(b"alertName=CPU")
        assert (second.alert.kind, second.alert.state, second.alert.fields) == (UNRECOGNISED, None, {"a": "1"})
        (closed,) = reader.closed_incidents(before=None, limit=10)
        assert (closed.incident.closed_by, closed.incident.worst_level) == (Change.RECOVERED, Level.CRITICAL)
        (burning,) = reader.open_incidents()
        assert burning.incident.expires_at == 1_790_086_410_500


def test_a_file_of_version_1_is_written_on(path: Path) -> None:
    write(path, STEP_1, CONTENT, version=1)

    store(path, append())

    assert rows(path, "SELECT id FROM alert") == [(1,), (2,), (3,)]


def test_rows_of_version_1_have_no_digest_until_they_are_written_anew(path: Path) -> None:
    write(path, STEP_1, CONTENT, version=1)

    store(path, append(), Expire(1_790_086_410_500))

    assert rows(path, "SELECT id FROM alert WHERE digest IS NULL") == [(1,), (2,)]
    assert rows(path, "SELECT id FROM incident WHERE digest IS NULL") == [(1,)]


def test_a_file_that_went_through_all_steps_has_the_shape_of_a_new_one(path: Path, tmp_path: Path) -> None:
    write(path, STEP_1, version=1)
    with writing(path), writing(tmp_path / "new.db"):
        pass

    assert shape(path) == shape(tmp_path / "new.db")
    assert rows(path, "PRAGMA user_version") == [(len(STEPS),)]


def test_what_version_2_has_digested_is_still_found_sound(path: Path) -> None:
    write(path, STEP_1, STEP_2, CONTENT_2, version=2)

    with writing(path):
        pass

    columns = ", ".join(ALERT_DIGESTED)
    ((digest, *values),) = rows(path, f"SELECT digest, {columns} FROM alert")
    assert (digest, values[-1]) == (row_digest("alert", values), None)
    assert row_digest("alert", [*values[:-1], "{}"]) != digest


def test_a_file_of_version_3_can_hold_gaps_and_has_none_yet(path: Path) -> None:
    write(path, STEP_1, STEP_2, STEP_3, CONTENT_2, version=3)

    with writing(path):
        pass

    with reading(path) as reader:
        assert reader.gaps(limit=10) == []
    store(path, AddGap(cause=Cause.OFF, began_at=1, ended_at=2))
    assert rows(path, "SELECT cause, began_at, ended_at, why FROM gap") == [("off", 1, 2, None)]
    assert rows(path, "PRAGMA user_version") == [(4,)]


def test_opening_again_takes_no_step(path: Path) -> None:
    store(path, append())
    before = rows(path, "PRAGMA schema_version")

    store(path, append("i-2"))

    assert rows(path, "PRAGMA schema_version") == before


@pytest.mark.parametrize(
    "open_", [Reader, lambda path: Writing(path, read=read_callback, keep_raw=keep_raw)], ids=["read", "write"]
)
def test_a_newer_file_is_refused_with_a_sentence_and_kept(path: Path, open_: object) -> None:
    write(path, STEP_1, "ALTER TABLE alert ADD COLUMN mood TEXT", version=99)
    before = shape(path)

    with pytest.raises(LogFault) as fault:
        open_(path)  # type: ignore[operator]

    assert str(fault.value) == (
        f"the log is of version 99, this trayalert knows versions up to {len(STEPS)}: it was written by a newer "
        "trayalert. Install that one again, or use another --data-dir."
    )
    assert not isinstance(fault.value, NoLog)
    assert shape(path) == before


NEXT = (*STEPS, "ALTER TABLE alert ADD COLUMN mood TEXT; CREATE TABLE diary (day TEXT)")


def test_a_next_step_is_taken_once(path: Path) -> None:
    store(path, append())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_up_to_date(connection, steps=NEXT)
        bring_up_to_date(connection, steps=NEXT)

        assert version_of(connection) == len(NEXT)
        assert connection.execute("SELECT mood FROM alert").fetchall() == [(None,)]


def test_a_step_that_fails_half_way_leaves_the_old_version_usable(path: Path) -> None:
    store(path, append())
    before = shape(path)
    broken = (*NEXT[:-1], f"{NEXT[-1]}; INSERT INTO no_such_table VALUES (1); DROP TABLE alert")

    with closing(sqlite3.connect(path, isolation_level=None)) as connection, pytest.raises(sqlite3.Error):
        bring_up_to_date(connection, steps=broken)

    assert shape(path) == before
    assert rows(path, "PRAGMA user_version") == [(len(STEPS),)]
    store(path, append("i-2"))
    assert rows(path, "SELECT count(*) FROM alert") == [(2,)]
