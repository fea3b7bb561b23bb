"""Each row has a digest that reveals any changed byte. Callbacks of each secret are counted. No id is given twice."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.making import HOUR, MINUTE, NOON, append, raw_callback, read, rows, store
from trayalert.domain.incident.incident import UNRECOGNISED_SPAN
from trayalert.storage.rows import ALERT_DIGESTED, DELIVERY_DIGESTED, INCIDENT_DIGESTED, digest_of
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.incident_closure import Expire, Resolve

DIGESTED = {"delivery": DELIVERY_DIGESTED, "alert": ALERT_DIGESTED, "incident": INCIDENT_DIGESTED}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def wrong(path: Path) -> list[tuple[str, int]]:
    """Return the table and the id of each row whose digest does not match its values."""
    found = []
    for table, columns in DIGESTED.items():
        for digest, number, *values in rows(path, f"SELECT digest, id, {', '.join(columns)} FROM {table}"):
            if digest != digest_of(table, values):
                found.append((table, number))
    return found


def let_in_by(job: Append, name: str) -> Append:
    return replace(job, callback=replace(job.callback, secret=name))


def test_every_row_has_its_digest_whatever_became_of_it(path: Path) -> None:
    store(
        path,
        append("i-1", curValue="-0"),
        append("i-1", curValue="-0"),
        append("i-1", at=NOON + MINUTE, triggerLevel="CRITICAL", curValue="12345678901234567890"),
        append("i-1", at=NOON + HOUR, alertState="OK"),
        append("i-2", transId="t-1", alertName="磁盘 \U0001f525 \x7f"),
        append("i-2", transId="t-2", at=NOON + MINUTE),
        append("i-3", came=NOON + 5, query=b"a=\xff", curValue="1e3"),
        Resolve(3, NOON + HOUR),
        read(raw_callback(b"\xff\x00")),
        read(raw_callback(b"")),
        Expire(NOON + UNRECOGNISED_SPAN + HOUR),
    )

    assert wrong(path) == []
    assert rows(path, "SELECT count(*) FROM incident WHERE closed_at NOT NULL")[0][0] >= 4


@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in DIGESTED.items() for column in columns if column != "id"],
)
def test_a_change_of_any_column_is_found(path: Path, table: str, column: str) -> None:
    store(path, append())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        (kind,) = other.execute(f"SELECT type FROM pragma_table_info('{table}') WHERE name = '{column}'").fetchone()
        other.execute(f"UPDATE {table} SET {column} = ?", ({"TEXT": "x", "BLOB": b"x"}.get(kind, 77),))

    assert wrong(path) == [(table, 1)]


_values = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(), max_size=6)


@given(_values, _values)
def test_no_two_rows_are_written_alike(one: list[Any], other: list[Any]) -> None:
    assert (digest_of("alert", one) == digest_of("alert", other)) == (one == other)


def test_bytes_are_never_taken_for_their_neighbours() -> None:
    assert digest_of("delivery", [b"a", b"bc"]) != digest_of("delivery", [b"ab", b"c"])
    assert digest_of("delivery", [b""]) != digest_of("delivery", [""])


def test_the_use_of_each_secret_is_counted_with_what_it_let_in(path: Path) -> None:
    store(
        path,
        let_in_by(append("i-1", came=NOON), "old"),
        let_in_by(append("i-1", came=NOON + 5), "new"),
        let_in_by(append("i-2", came=NOON + 9), "old"),
        let_in_by(append("i-3", came=NOON + 3), "old"),
        append("i-4"),
    )

    assert rows(path, "SELECT * FROM secret_use ORDER BY name") == [("new", 1, NOON + 5), ("old", 3, NOON + 9)]
    assert [name for (name,) in rows(path, "SELECT secret FROM delivery")] == ["old", "new", "old", "old", ""]


def test_no_number_is_given_twice_though_the_newest_rows_are_gone(path: Path) -> None:
    store(path, append("i-1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE numbering SET delivery = 70, alert = 50, incident = 60")

    store(path, append("i-2"), append("i-3"))

    for table, last in (("delivery", 72), ("alert", 52), ("incident", 62)):
        assert rows(path, f"SELECT max(id) FROM {table}") == [(last,)]


def test_an_incident_with_a_flipped_byte_keeps_no_alert_out(path: Path) -> None:
    store(path, append("i-1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE incident SET level = 'WBRN'")

    store(path, append("i-1", at=NOON + MINUTE))

    assert rows(path, "SELECT kind FROM alert") == [("threshold",), ("threshold",)]
    assert rows(path, "SELECT alerts FROM incident") == [(2,)]
