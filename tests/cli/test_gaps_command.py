"""`trayalert gaps`, with real processes."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.program import run, serving
from tests.storage.making import HOUR, MINUTE, NOON, store
from trayalert.domain.gap import GapCause
from trayalert.storage.writer.gap_records import AddGap


def note_gaps(data_dir: Path) -> None:
    store(
        data_dir / "trayalert.db",
        AddGap(cause=GapCause.OFF, began_at=NOON, ended_at=NOON + HOUR + 1500),
        AddGap(cause=GapCause.ASLEEP, began_at=NOON + 2 * HOUR, ended_at=NOON + 2 * HOUR + 200_000),
        AddGap(cause=GapCause.BLIND, began_at=NOON + 3 * HOUR, why="隧道 is\x1b[2J down.\nStart it."),
    )


def test_gaps_are_objects_the_newest_first(tmp_path: Path) -> None:
    note_gaps(tmp_path)

    lasting, asleep, off = run("gaps", "--json", data_dir=tmp_path).objects
    (newest,) = run("gaps", "--json", "--limit", "1", data_dir=tmp_path).objects

    assert off == {
        "id": 1,
        "cause": "off",
        "began_at": "2026-09-21T14:13:20.000Z",
        "ended_at": "2026-09-21T15:13:21.500Z",
        "seconds": 3601.5,
        "why": None,
    }
    assert (asleep["cause"], asleep["seconds"]) == ("asleep", 200.0)
    assert (lasting["cause"], lasting["ended_at"], lasting["why"]) == ("blind", None, "隧道 is\x1b[2J down.\nStart it.")
    assert lasting["seconds"] > MINUTE / 1000
    assert newest["id"] == 3


def test_people_get_a_table_that_no_text_breaks(tmp_path: Path) -> None:
    note_gaps(tmp_path)

    head, lasting, asleep, off = run("gaps", data_dir=tmp_path, TZ="UTC").lines

    assert head.split() == ["ID", "CAUSE", "FROM", "UNTIL", "LASTED", "WHY"]
    assert "it lasts" in lasting
    assert lasting.endswith("隧道 is [2J down. Start it.")
    assert " 3 min 20 s " in asleep
    words = off.split()
    assert (words[:2], words[3], words[5:]) == (["1", "off"], "14:13", ["15:13", "1", "h", "-"])
    assert words[2] == words[4]
    assert words[2].endswith("09-21"), "in another year, the year comes first"


def test_with_no_log_there_are_none(tmp_path: Path) -> None:
    assert run("gaps", "--json", data_dir=tmp_path).out == ""
    assert len(run("gaps", data_dir=tmp_path).lines) == 1
    assert run("gaps", "--limit", "-1", data_dir=tmp_path).status == 2


def test_a_row_with_a_cause_that_nobody_knows_hides_no_other_and_stops_nothing(tmp_path: Path) -> None:
    note_gaps(tmp_path)
    with closing(sqlite3.connect(tmp_path / "trayalert.db")) as log, log:
        log.execute("UPDATE gap SET cause = 'x' WHERE id IN (1, 3)")

    assert [gap["cause"] for gap in run("gaps", "--json", data_dir=tmp_path).objects] == ["blind", "asleep", "blind"]
    with serving(tmp_path):  # the start ends the gap that lasts; stderr must stay empty
        pass
    assert all(gap["ended_at"] for gap in run("gaps", "--json", data_dir=tmp_path).objects)
