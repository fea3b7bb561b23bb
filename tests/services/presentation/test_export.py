"""Exports of a real log for spreadsheets and programs."""

import csv
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.making import NOON, append, raw_callback, read, reading, store
from trayalert.domain.incident.stored_alert import StoredAlert
from trayalert.domain.settings.settings import Settings
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.export import COLUMNS, write_alerts
from trayalert.services.presentation.json_records import alert_record
from trayalert.services.presentation.link_table import link_table

LINKS = link_table(Settings())
SOURCE_ADDRESSES = SourceAddresses(Settings())
FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1",
    "\u200b＋1",
    "−1",
    '=HYPERLINK("http://evil")',
]


@pytest.fixture
def found(tmp_path: Path) -> list[StoredAlert]:
    path = tmp_path / "trayalert.db"
    store(
        path,
        append("i-1", alertName='磁盘 "data", 满\n了'),
        append("i-2", alertName="=cmd|'/C calc'!A0", curValue="-5.5", unit="@x"),
        read(raw_callback(b"\xff\x00 ; , \" ' \n any bytes")),
        read(raw_callback(b"")),
    )
    with reading(path) as reader:
        return list(reader.alerts(limit=None, after=0))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_csv_is_read_by_others_as_it_was_written(found: list[StoredAlert], tmp_path: Path) -> None:
    assert write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format="csv", output=str(tmp_path / "alerts.csv")) == 4

    first, second, third, fourth = rows_of(tmp_path / "alerts.csv")
    assert tuple(first) == COLUMNS
    record = alert_record(found[0], LINKS, SOURCE_ADDRESSES)
    # CSV and JSON have the same columns in the same order
    assert tuple(key for key in record if key != "links") == COLUMNS
    assert (first["name"], first["resource_id"], first["value"]) == ('磁盘 "data", 满\n了', "i-1", "97.5")
    assert json.loads(first["dimensions"]) == {"instanceId": "i-1", "userId": "1"}
    assert first["at"] == first["received_at"] == "2026-09-21T14:13:20.000Z"
    assert first["console_url"].startswith("https://")
    assert json.loads(first["fields"])["alertName"] == '磁盘 "data", 满\n了'
    assert (third["kind"], third["state"], third["name"], third["value"]) == ("unrecognised", "", "", "")
    assert (fourth["kind"], fourth["incident_id"]) == ("test", "")
    assert second["name"] == "'=cmd|'/C calc'!A0"


def test_a_number_stays_one_and_a_text_never_becomes_a_formula(found: list[StoredAlert], tmp_path: Path) -> None:
    write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format="csv", output=str(tmp_path / "alerts.csv"))

    second = rows_of(tmp_path / "alerts.csv")[1]
    assert second["value"] == "-5.5"
    assert second["unit"] == "'@x"


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_stranger_begins_like_a_formula(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trayalert.db"
    names = ["alertName", "metricName", "unit", "expression", "regionId", "instanceName", "ruleId", "productGroupName"]
    store(path, append(text, **dict.fromkeys(names, f"{text}x"), timestamp=text, curValue=text))
    with reading(path) as reader:
        write_alerts(
            reader.alerts(limit=None),
            LINKS,
            SOURCE_ADDRESSES,
            file_format="csv",
            output=str(tmp_path / "alerts.csv"),
        )

    (row,) = rows_of(tmp_path / "alerts.csv")
    numbers = {"id", "value", "incident_id", "deliveries"}
    assert not [
        name for name, cell in row.items() if name not in numbers and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]


def test_json_has_one_object_a_line(found: list[StoredAlert], tmp_path: Path) -> None:
    assert write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format="json", output=str(tmp_path / "alerts.json")) == 4

    lines = (tmp_path / "alerts.json").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [
        alert_record(stored, LINKS, SOURCE_ADDRESSES) for stored in found
    ]
    assert lines[-1] == ""


def test_stdout_gets_the_same(found: list[StoredAlert], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("csv", "json"):
        write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format=form, output=str(tmp_path / "file"))
        write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format=form, output=None)
        assert capsys.readouterr().out == (tmp_path / "file").read_bytes().decode()


def test_no_alert_is_a_head_and_nothing_else(tmp_path: Path) -> None:
    assert write_alerts([], LINKS, SOURCE_ADDRESSES, file_format="csv", output=str(tmp_path / "alerts.csv")) == 0
    assert rows_of(tmp_path / "alerts.csv") == []
    assert write_alerts([], LINKS, SOURCE_ADDRESSES, file_format="json", output=str(tmp_path / "alerts.json")) == 0
    assert (tmp_path / "alerts.json").read_bytes() == b""


def failing(found: list[StoredAlert]) -> Iterator[StoredAlert]:
    yield found[0]
    raise OSError(5, "the disk is gone")


def test_a_file_appears_whole_or_not_at_all(found: list[StoredAlert], tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("from yesterday")
    for output in (kept, tmp_path / "new.csv"):
        with pytest.raises(OSError, match="the disk is gone"):
            write_alerts(failing(found), LINKS, SOURCE_ADDRESSES, file_format="csv", output=str(output))

    assert kept.read_text() == "from yesterday"
    assert sorted(path.name for path in tmp_path.glob("*.csv*")) == ["kept.csv"]


def test_a_link_stays_a_link(found: list[StoredAlert], tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")

    write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format="csv", output=str(tmp_path / "link.csv"))

    assert (tmp_path / "link.csv").is_symlink()
    assert len(rows_of(tmp_path / "real.csv")) == 4


def test_a_device_is_written_to_and_never_replaced(found: list[StoredAlert], tmp_path: Path) -> None:
    pipe, received = tmp_path / "pipe", io.StringIO()
    os.mkfifo(pipe)

    def listen() -> None:
        received.write(pipe.read_text(encoding="utf-8"))

    listener = threading.Thread(target=listen)
    listener.start()
    write_alerts(found, LINKS, SOURCE_ADDRESSES, file_format="json", output=str(pipe))
    listener.join(5)

    assert pipe.is_fifo()
    assert len(received.getvalue().splitlines()) == 4
    assert found[0].received_at == NOON
