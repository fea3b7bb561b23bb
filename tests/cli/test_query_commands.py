"""`trayalert alerts`, `incidents` and `export`."""

import base64
import csv
from pathlib import Path

import pytest

from tests.cli.contract import ALERT_KEYS, INCIDENT_KEYS
from tests.program import run
from tests.storage.making import append, store


def test_alerts_are_listed_newest_first_and_after_one_oldest_first(data_dir: Path) -> None:
    def numbers(*arguments: str) -> list[int]:
        return [one["id"] for one in run("alerts", "--json", *arguments, data_dir=data_dir).objects]

    assert numbers() == [3, 2, 1]
    assert numbers("--limit", "2") == [3, 2]
    assert numbers("--after", "1") == [2, 3]
    assert numbers("--after", "1", "--limit", "1") == [2]
    assert numbers("--search", "盘 100%") == [1]
    assert numbers("--search", "disk_") == [2]
    assert numbers("--search", "%") == [1]
    assert numbers("--limit", "0") == []


def test_a_hundred_is_the_limit_unless_another_is_named(tmp_path: Path) -> None:
    store(tmp_path / "trayalert.db", *(append(f"i-{number}") for number in range(101)))

    assert len(run("alerts", "--json", data_dir=tmp_path).lines) == 100
    assert len(run("alerts", "--json", "--limit", "1000", data_dir=tmp_path).lines) == 101


def test_the_raw_bytes_of_the_first_delivery_come_on_demand(data_dir: Path) -> None:
    (alert,) = run("alerts", "--json", "--raw", "--limit", "1", data_dir=data_dir).objects

    assert base64.b64decode(alert["raw"]).startswith(b"userId=1&ruleId=rule-1&")
    assert "raw" not in run("alerts", "--json", "--limit", "1", data_dir=data_dir).objects[0]


def test_people_get_tables(data_dir: Path) -> None:
    alerts, incidents = run("alerts", data_dir=data_dir), run("incidents", data_dir=data_dir)

    assert [line.split()[0] for line in alerts.lines] == ["ID", "3", "2", "1"]
    assert "磁盘 100%" in alerts.out
    assert [line.split()[:2] for line in incidents.lines] == [["ID", "STATE"], ["2", "unconfirmed"], ["1", "recovered"]]


def test_incidents_are_listed_open_ones_on_demand(data_dir: Path) -> None:
    every, firing = (
        run("incidents", "--json", data_dir=data_dir),
        run("incidents", "--json", "--open", data_dir=data_dir),
    )

    assert [(one["id"], one["state"]) for one in every.objects] == [(2, "open"), (1, "closed")]
    assert [one["id"] for one in firing.objects] == [2]
    assert every.objects[0].keys() >= INCIDENT_KEYS
    assert firing.objects[0]["unconfirmed"] is True


@pytest.mark.parametrize("which", [[], ["--open"]])
def test_the_incident_that_came_last_is_listed_first_whenever_it_began(tmp_path: Path, which: list[str]) -> None:
    store(tmp_path / "trayalert.db", append("i-1"), append("i-2", at=1_780_000_000_000), append("i-3"))

    listed = run("incidents", "--json", *which, data_dir=tmp_path)

    assert [one["id"] for one in listed.objects] == [3, 2, 1]


@pytest.mark.parametrize("command", [["alerts", "--json"], ["incidents", "--json"]])
def test_with_no_log_there_is_nothing_to_list(tmp_path: Path, command: list[str]) -> None:
    done = run(*command, data_dir=tmp_path / "none")

    assert (done.status, done.out, done.err) == (0, "", "")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_machine_output_is_utf_8_and_a_table_never_fails(data_dir: Path, encoding: str) -> None:
    for command in (["alerts", "--json"], ["export", "--format", "json"]):
        named = [one["name"] for one in run(*command, data_dir=data_dir, PYTHONIOENCODING=encoding).objects]
        assert "磁盘 100%" in named

    assert run("alerts", data_dir=data_dir, PYTHONIOENCODING=encoding).status == 0


# ---- export


def test_an_export_is_whole_and_oldest_first(data_dir: Path, tmp_path: Path) -> None:
    done = run("export", "--format", "csv", "-o", tmp_path / "alerts.csv", data_dir=data_dir)
    with (tmp_path / "alerts.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))

    assert (done.status, done.out, done.err) == (0, "", f"3 alerts written to {tmp_path}/alerts.csv\n")
    assert [(row["id"], row["name"]) for row in found] == [("1", "磁盘 100%"), ("2", "disk_full"), ("3", "CPU")]
    assert found[0].keys() >= ALERT_KEYS - {"links", "address", "message"}
    assert [one["id"] for one in run("export", "--format", "json", data_dir=data_dir).objects] == [1, 2, 3]


def test_an_export_can_be_cut_by_arrival(data_dir: Path) -> None:
    def numbers(*arguments: str) -> list[int]:
        return [one["id"] for one in run("export", "--format", "json", *arguments, data_dir=data_dir).objects]

    assert numbers("--since", "2026-09-21T14:14") == [3]
    assert numbers("--until", "2026-09-21T14:14:00+00:00") == [1, 2]
    assert numbers("--since", "2026-09-22") == []


def test_an_export_that_cannot_be_written_is_one_sentence(data_dir: Path) -> None:
    done = run("export", "--format", "csv", "-o", "/no/such/folder/alerts.csv", data_dir=data_dir)

    assert (done.status, done.out) == (1, "")
    assert done.err == "trayalert: /no/such/folder/alerts.csv cannot be written: No such file or directory\n"


@pytest.mark.parametrize("arguments", [[], ["--format", "xml"], ["--format", "csv", "--since", "lately"]])
def test_wrong_use_of_export_is_2(tmp_path: Path, arguments: list[str]) -> None:
    assert run("export", *arguments, data_dir=tmp_path).status == 2
