"""The commands as scripts use them: output and exit status, with real processes."""

import base64
import csv
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.callbacks.other_bodies import CARRIERS, KINDS
from tests.program import DEADLINE, ServeProcess, environment, post, request, run, serving
from tests.storage.making import append, rows, store
from trayalert.services.simulator.client import sample_body, sample_names

ALERT_KEYS = {
    "id", "received_at", "at", "kind", "state", "level", "previous_level", "name", "rule_id", "metric", "metric_title",
    "value", "value_text", "unit", "expression", "namespace", "region", "resource_id", "resource_name", "account_id",
    "group", "address", "message", "dimensions", "incident_id", "deliveries", "console_url", "links", "fields",
}  # fmt: skip
INCIDENT_KEYS = {
    "id", "key", "state", "level", "worst_level", "no_data", "unconfirmed", "opened_at", "closed_at", "name",
    "resource_id", "resource_name", "namespace", "region", "alerts", "acknowledged_at", "snoozed_until", "muted",
    "last_value", "console_url", "links",
}  # fmt: skip
STATUS_KEYS = {
    "running", "host", "port", "callback_url", "public_url", "reach", "last_callback_at", "open_incidents", "alerts",
    "deliveries", "unrecognised", "data_dir", "version",
}  # fmt: skip


SAMPLE_KINDS = {
    "console-test": "test", "event-rule": "event", "event-maintenance": "event", "event-centre": "event",
    "cms2": "cms2", "alertmanager": "alertmanager", "sls": "sls",
}  # fmt: skip


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """Run an instance that the tests of this module share; they only add to its log."""
    with serving(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data dir whose log holds three alerts. No instance runs on it."""
    folder = tmp_path / "data"
    folder.mkdir()
    ok = append("i-1", at=1_790_000_060_000, alertState="OK", triggerLevel="OK")
    store(folder / "trayalert.db", append("i-1", alertName="磁盘 100%"), append("i-2", alertName="disk_full"), ok)
    return folder


# ---- send


@pytest.mark.parametrize("name", sample_names())
def test_every_sample_arrives_as_what_it_is(serve: ServeProcess, name: str) -> None:
    sent = serve.run("send", "--sample", name)
    (alert,) = serve.run("alerts", "--json", "--limit", "1").objects

    assert (sent.status, sent.err) == (0, "")
    assert sent.out.startswith("200 in ")
    assert alert["kind"] == SAMPLE_KINDS.get(name, "threshold")
    assert alert.keys() >= ALERT_KEYS


@pytest.mark.parametrize("name", ["event centre", "sls"])
@pytest.mark.parametrize("carrier", ["GET FORM", "GET JSON", "POST FORM", "POST JSON as text"])
def test_other_kinds_come_through_the_door_in_every_way(serve: ServeProcess, name: str, carrier: str) -> None:
    kind, document = KINDS[name]
    results = [{"host": f"host-{number}", "pv": "836"} for number in range(130)]
    long = {**document, "fire_results": results, "fingerprint": carrier}
    if "alert" in document:
        long["alert"] = {**document["alert"], "dedupId": carrier}
    sent = CARRIERS[carrier](long)
    assert len(sent.query or sent.body) > 5000
    status = request(serve.url, sent.method, query=sent.query, body=sent.body, content_type=sent.content_type)
    (alert,) = serve.run("alerts", "--json", "--limit", "1", "--raw").objects

    assert (status, alert["kind"]) == (200, kind)
    assert alert["fields"].keys() == long.keys()


def test_each_event_that_is_sent_is_new(serve: ServeProcess) -> None:
    (last,) = serve.run("alerts", "--json", "--limit", "1").objects
    serve.run("send", "--sample", "event-rule", "--count", "2")

    assert [alert["deliveries"] for alert in serve.run("alerts", "--json", "--after", str(last["id"])).objects] == [
        1,
        1,
    ]


def test_a_url_with_no_port_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 0\n")
    done = run("url", data_dir=tmp_path)

    assert (done.status, done.out) == (1, "")
    assert "start trayalert" in done.err


def test_an_alert_has_every_field_of_its_sample(serve: ServeProcess) -> None:
    serve.run("send", "--sample", "ecs-disk")
    (alert,) = serve.run("alerts", "--json", "--limit", "1", "--raw").objects

    assert alert["at"][:16] == alert["received_at"][:16]
    del alert["at"], alert["received_at"], alert["id"], alert["incident_id"], alert["fields"]
    assert b"alertName=diskusage_utilization_95.0&" in base64.b64decode(alert.pop("raw"))
    assert alert.pop("deliveries") == 1
    assert [link["page"] for link in alert.pop("links")] == ["instance", "chart", "host", "list", "hash", "rules"]
    assert alert == {
        "kind": "threshold",
        "state": "ALERT",
        "level": "WARN",
        "previous_level": None,
        "name": "diskusage_utilization_95.0",
        "rule_id": alert["rule_id"],
        "metric": "diskusage_utilization",
        "metric_title": "磁盘使用率",
        "value": 95.0,
        "value_text": "95",
        "unit": "%",
        "expression": "$Average>=95",
        "namespace": "acs_ecs",
        "region": "cn-hangzhou",
        "resource_id": "i-bp1example00000022db",
        "resource_name": "db-02",
        "account_id": "1900000000000010",
        "group": "shop-prod",
        "address": "10.0.0.22",
        "message": None,
        "dimensions": {"userId": "1900000000000010", "device": "/dev/vda1", "instanceId": "i-bp1example00000022db"},
        "late": False,
        "sender": "127.0.0.1",
        "sender_origin": "unknown",
        "console_url": "https://ecs.console.aliyun.com/server/i-bp1example00000022db/detail?regionId=cn-hangzhou",
    }


def test_samples_are_listed(serve: ServeProcess) -> None:
    assert serve.run("send", "--list").lines == sample_names()


def test_a_file_or_stdin_is_sent(serve: ServeProcess, tmp_path: Path) -> None:
    (tmp_path / "callback").write_bytes(sample_body("rds-connections"))

    assert serve.run("send", tmp_path / "callback").status == 0
    assert serve.run("alerts", "--json", "--limit", "1").objects[0]["name"] == "RDS 连接数使用率"
    # stdin is empty, and an empty body is what the console's Test button sends
    assert serve.run("send", "-").status == 0
    assert serve.run("alerts", "--json", "--limit", "1").objects[0]["kind"] == "test"


def test_recover_closes_what_the_sample_opened(serve: ServeProcess) -> None:
    serve.run("send", "--sample", "redis-memory")
    (firing,) = (one for one in serve.run("incidents", "--json", "--open").objects if one["name"] == "Redis memory")
    serve.run("send", "--sample", "redis-memory", "--recover")
    closed = next(one for one in serve.run("incidents", "--json").objects if one["id"] == firing["id"])

    assert firing.keys() >= INCIDENT_KEYS
    assert (firing["state"], firing["closed_at"]) == ("open", None)
    assert (closed["state"], closed["level"], closed["worst_level"]) == ("closed", "OK", firing["worst_level"])


def test_each_of_many_is_new(serve: ServeProcess) -> None:
    before = serve.run("status", "--json").objects[0]
    sent = serve.run("send", "--count", "25", "--rate", "500")
    after = serve.run("status", "--json").objects[0]

    assert sent.out.startswith("25 of 25 accepted in ")
    assert (after["alerts"] - before["alerts"], after["deliveries"] - before["deliveries"]) == (25, 25)


def test_the_same_time_again_is_a_retry(serve: ServeProcess) -> None:
    for _ in range(2):
        assert serve.run("send", "--sample", "slb-connections", "--keep-time").status == 0
    (alert,) = (one for one in serve.run("alerts", "--json").objects if one["at"] == "2023-06-01T10:09:56.421Z")

    assert (alert["name"], alert["deliveries"]) == ("SLB active connections", 2)


def test_a_wrong_url_is_one_sentence_without_the_secret(serve: ServeProcess) -> None:
    sent = serve.run("send", "--url", f"{serve.address}/hook/a-wrong-secret")

    assert (sent.status, sent.out) == (1, "")
    assert sent.err == (
        f"trayalert: refused: {serve.address} answered 404: the URL is not the callback URL "
        "(`trayalert url` prints it)\n"
    )


def test_the_right_url_needs_no_data_dir(serve: ServeProcess, tmp_path: Path) -> None:
    assert run("send", "--url", serve.url, data_dir=tmp_path / "elsewhere").status == 0
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("ever", [False, True])
def test_with_none_running_nothing_is_sent_anywhere(tmp_path: Path, ever: bool) -> None:
    if ever:
        run("url", data_dir=tmp_path)
    sent = run("send", data_dir=tmp_path)

    assert (sent.status, sent.out) == (1, "")
    assert sent.err == f"trayalert: no trayalert runs with {tmp_path}. Start one: trayalert, or trayalert serve.\n"


@pytest.mark.parametrize(
    "arguments", [["--sample", "ecs-cpu", "/dev/null"], ["/no/such/file"], ["--count", "0"], ["--rate", "0"]]
)
def test_wrong_use_of_send_is_2(tmp_path: Path, arguments: list[str]) -> None:
    assert run("send", *arguments, data_dir=tmp_path).status == 2


# ---- setup


@pytest.mark.parametrize("name", ["setup", "guide"])
def test_the_setup_assistant_needs_an_instance_with_windows(serve: ServeProcess, name: str) -> None:
    done = serve.run(name)

    assert (done.status, done.out) == (1, "")
    assert "`trayalert serve` runs there, which has no windows." in done.err


def test_the_former_name_of_setup_is_not_listed() -> None:
    names = {line.split()[0] for line in run("--help").lines if line.startswith("  ") and line.split()}

    assert "setup" in names
    assert "guide" not in names


# ---- alerts and incidents


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


# ---- resolve


def test_resolve_asks_the_running_instance(serve: ServeProcess) -> None:
    serve.run("send", "--sample", "site-monitor")
    firing = next(one for one in serve.run("incidents", "--json", "--open").objects if "shop.ex" in one["name"])
    number = str(firing["id"])

    first, again = serve.run("resolve", number), serve.run("resolve", number)

    assert (first.status, first.out) == (0, f"incident {number} is marked recovered\n")
    assert (again.status, again.out) == (0, f"incident {number} was closed already\n")
    assert firing["id"] not in [one["id"] for one in serve.run("incidents", "--json", "--open").objects]


def test_resolve_needs_no_instance(data_dir: Path) -> None:
    done = run("resolve", "2", data_dir=data_dir)

    assert (done.status, done.out, done.err) == (0, "incident 2 is marked recovered\n", "")
    assert run("incidents", "--json", "--open", data_dir=data_dir).out == ""


@pytest.mark.parametrize("number", ["9", str(2**63 - 1)])
def test_an_unknown_incident_is_told(data_dir: Path, serve: ServeProcess, number: str) -> None:
    for where in (data_dir, serve.data_dir, data_dir / "none"):
        done = run("resolve", number if where != serve.data_dir else f"9999{number}"[-18:], data_dir=where)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("trayalert: there is no incident ")


@pytest.mark.parametrize("number", ["x", "0", "-1", str(2**63), ""])
def test_what_is_no_number_is_wrong_use(tmp_path: Path, number: str) -> None:
    assert run("resolve", "--", number, data_dir=tmp_path).status == 2


# ---- url


def test_the_url_is_the_one_that_opens(serve: ServeProcess) -> None:
    done = serve.run("url")

    assert done.out == f"{serve.url}\n"
    assert post(done.out.strip()) == 200


def test_a_rotated_secret_goes_on_for_its_grace(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        old = running.run("url").out.strip()
        new = running.run("url", "--rotate", "--grace", "1h").out.strip()
        assert new != old
        assert (post(old), post(new)) == (200, 200)
        newest = running.run("url", "--rotate", "--grace", "0s").out.strip()
        # each secret keeps the grace period that it was given
        assert (post(newest), post(new), post(old)) == (200, 404, 200)
        assert "its secret was replaced or removed" in running.end().err


def test_rotating_needs_no_instance(tmp_path: Path) -> None:
    old = run("url", data_dir=tmp_path).out.strip()
    new = run("url", "--rotate", "--grace", "0s", data_dir=tmp_path).out.strip()

    assert old != new
    assert old.rpartition("/")[0] == new.rpartition("/")[0] == "http://127.0.0.1:8765/hook"
    with serving(tmp_path) as running:
        assert post(f"{running.address}/hook/{new.rpartition('/')[2]}") == 200


def test_the_public_url_is_shown_where_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('public_url = "https://alerts.example.com/x/"')

    assert run("url", data_dir=tmp_path).out.startswith("https://alerts.example.com/x/hook/")
    assert (
        run("status", "--json", data_dir=tmp_path).objects[0]["callback_url"] == "https://alerts.example.com/x/hook/***"
    )


def test_a_grace_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    done = run("url", "--rotate", "--grace", "soon", data_dir=tmp_path)

    assert done.status == 2
    assert "write 90s, 30m, 24h, 7d or 2w" in done.err
    assert not tmp_path.joinpath("secrets.json").exists()


def test_a_grace_that_no_calendar_holds_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = run("url", "--rotate", "--grace", "999999w", data_dir=tmp_path)

    assert (done.status, done.out) == (1, "")
    assert "ten years at most" in done.err
    assert run("secrets", data_dir=tmp_path).status == 0


def test_what_is_made_is_nobody_elses_to_read(tmp_path: Path) -> None:
    run("url", data_dir=tmp_path / "new" / "data")

    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "data" / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="no umask there")
def test_nobody_else_can_put_another_data_dir_in_the_place_of_a_new_one(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("url", data_dir=tmp_path / "new" / "data")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


# ---- status


def test_status_of_a_running_instance(serve: ServeProcess) -> None:
    assert post(serve.url, b"nobody=knows") == 200
    (state,) = serve.run("status", "--json").objects

    assert state.keys() >= STATUS_KEYS
    assert (state["running"], state["listening"], state["front"], state["http_parser"]) == (True, True, "serve", "c")
    assert f"http://{state['host']}:{state['port']}" == serve.address
    assert state["pid"] == serve.process.pid
    assert state["callback_url"] == f"{serve.address}/hook/***"
    assert (state["public_url"], state["reach"], state["data_dir"]) == (None, "unknown", str(serve.data_dir))
    counted = {
        name: rows(serve.data_dir / "trayalert.db", f"SELECT count(*) FROM {name}")[0][0]
        for name in ("alert", "delivery")
    }
    assert (state["alerts"], state["deliveries"]) == (counted["alert"], counted["delivery"])
    assert state["unrecognised"] >= 1
    assert state["last_callback_at"].endswith("Z")


def test_status_with_none_running(data_dir: Path) -> None:
    (state,) = run("status", "--json", data_dir=data_dir).objects

    assert state.keys() >= STATUS_KEYS
    assert (state["running"], state["listening"], state["pid"], state["reach"]) == (False, False, None, "blind")
    assert (state["host"], state["port"]) == ("127.0.0.1", 8765)
    assert (state["alerts"], state["deliveries"], state["open_incidents"], state["unrecognised"]) == (3, 3, 1, 0)
    assert state["last_callback_at"] == "2026-09-21T14:14:20.000Z"


def test_status_before_anything_ever_ran(tmp_path: Path) -> None:
    (state,) = run("status", "--json", data_dir=tmp_path / "none").objects

    assert (state["running"], state["alerts"], state["last_callback_at"]) == (False, 0, None)
    assert not (tmp_path / "none").exists()


def test_status_of_a_log_that_cannot_be_read_is_an_object_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "trayalert.db").write_bytes(b"no database" * 1000)

    done = run("status", "--json", data_dir=tmp_path)
    (state,) = done.objects
    people = run("status", data_dir=tmp_path)

    assert (done.status, done.err, people.status) == (0, "", 0)
    assert (state["running"], state["storing"], state["log_news"]) == (False, None, [])
    assert [state[name] for name in ("alerts", "deliveries", "unrecognised", "open_incidents")] == [None] * 4
    (sentence,) = state["log_problems"]
    assert str(tmp_path / "trayalert.db") in sentence
    assert f"log             {sentence}" in people.lines
    assert "alerts          unknown, as the log cannot be read" in people.lines


def test_status_says_how_the_log_of_the_running_instance_is(serve: ServeProcess) -> None:
    (state,) = serve.run("status", "--json").objects

    assert (state["storing"], state["log_problems"], state["log_news"], state["crashes"]) == (True, [], [], [])
    assert state["salvaging"] is False


def test_status_says_who_probes(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(f"{running.address}/hook/{'x' * 43}") == 404
        (state,) = running.run("status", "--json").objects
        people = running.run("status")

    assert state["door_counts"]["probes"] == 1
    assert state["probing"].startswith("Someone is probing: 1 request with a wrong secret, the last ")
    assert state["probing"].endswith(" from 127.0.0.1. An old URL in a console rule looks the same.")
    assert f"probing         {state['probing']}" in people.lines


def test_status_says_what_was_refused_and_which_url_was_mistyped(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(f"{running.url}/") == 404
        assert post(running.url, b"x" * (1024 * 1024 + 1)) == 413
        (state,) = running.run("status", "--json").objects
        people = running.run("status")
        stderr = running.end().err

    counts = state["door_counts"]
    assert (counts["mistyped"], counts["turned_away"], counts["probes"]) == (1, 1, 0)
    assert counts["lost_at"] == counts["last_turned_away_at"]
    assert state["probing"] is None
    assert "there is a slash at its end" in state["mistyped"]
    assert "its body is larger than 1 MiB" in state["turned_away"]
    assert f"mistyped URL    {state['mistyped']}" in people.lines
    assert f"turned away     {state['turned_away']}" in people.lines
    assert state["mistyped"] in stderr
    assert state["turned_away"] in stderr


def test_status_shows_no_secret(serve: ServeProcess) -> None:
    assert serve.secret not in serve.run("status", "--json").out + serve.run("status").out


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


# ---- the data dir, and scripts


def test_the_data_dir_may_stand_before_or_after_the_command_or_in_the_environment(data_dir: Path) -> None:
    runs = [
        run("--data-dir", data_dir, "alerts", "--json"),
        run("alerts", "--data-dir", data_dir, "--json"),
        run("alerts", "--json", TRAYALERT_DATA_DIR=str(data_dir)),
        run("alerts", "--json", "--data-dir", data_dir, TRAYALERT_DATA_DIR="/no/such/folder"),
    ]

    assert [len(done.lines) for done in runs] == [3] * 4


def test_without_one_the_places_of_the_platform_are_taken(tmp_path: Path) -> None:
    places: Any = {"HOME": str(tmp_path), "XDG_DATA_HOME": None, "XDG_CONFIG_HOME": None}
    (tmp_path / ".config" / "trayalert").mkdir(parents=True)
    (tmp_path / ".config" / "trayalert" / "settings.toml").write_text("port = 4711")
    (state,) = run("status", "--json", **places).objects

    assert (state["data_dir"], state["port"]) == (f"{tmp_path}/.local/share/trayalert", 4711)
    assert run("url", **places).out.startswith("http://127.0.0.1:4711/hook/")
    assert (tmp_path / ".local" / "share" / "trayalert" / "secrets.json").exists()


def test_a_data_dir_whose_name_is_no_text_is_fine(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))

    assert run("url", data_dir=folder).status == 0
    assert run("status", "--json", data_dir=folder).objects[0]["data_dir"] == str(folder)


@pytest.mark.parametrize(
    "command", ["alerts --json", "alerts", "incidents", "export --format json", "export --format csv"]
)
def test_a_reader_that_has_seen_enough_is_no_trouble(tmp_path: Path, command: str) -> None:
    names = {"alertName": "x" * 40_000}
    store(tmp_path / "trayalert.db", *(append(f"i-{number}", **names) for number in range(5)))
    done = subprocess.run(
        f'set -o pipefail; "$PYTHON" -m trayalert {command} --data-dir "$FOLDER" | head -c 1',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(PYTHON=sys.executable, FOLDER=str(tmp_path)),
        check=False,
    )

    assert (len(done.stdout), done.stderr, done.returncode) == (1, "", 0)


@pytest.mark.parametrize(
    "command", [["alerts", "--json"], ["status"], ["export", "--format", "csv"], ["send", "--list"]]
)
def test_a_full_disk_under_stdout_is_one_sentence(data_dir: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trayalert", *command, "--data-dir", data_dir],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("trayalert: ")
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["alerts", "--limit", "-1"],
        ["--port", "5", "status"],
        ["serve", "--port", "65536"],
        ["status", "x"],
    ],
)
def test_wrong_use_is_2_and_says_how_to_go_on(arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.status, done.out) == (2, "")
    assert "--help" in done.err


def test_the_version_is_told() -> None:
    assert run("--version").out.startswith("trayalert 0.")


@pytest.mark.parametrize(
    "command",
    ["status", "alerts", "incidents", "resolve 2", "url", "export --format csv", "send", "help proof"],
)
def test_a_command_imports_neither_qt_nor_the_http_server(data_dir: Path, command: str) -> None:
    """Scripts call these commands often, and each command takes a tenth of a second without these imports."""
    code = (
        "import sys, json, trayalert.cli as c\n"
        "try: c.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split(), "--data-dir", data_dir],
        capture_output=True,
        timeout=DEADLINE,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert not loaded & {"PySide6", "shiboken6", "qasync", "aiohttp", "dbus_fast", "rich"}
