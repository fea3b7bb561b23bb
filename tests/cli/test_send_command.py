"""`trayalert send`, to a running instance and without one."""

import base64
from pathlib import Path

import pytest

from tests.callbacks.other_bodies import CARRIERS, KINDS
from tests.cli.contract import ALERT_KEYS, INCIDENT_KEYS
from tests.program import ServeProcess, request, run
from trayalert.services.simulator.client import sample_body, sample_names

SAMPLE_KINDS = {
    "console-test": "test", "event-rule": "event", "event-maintenance": "event", "event-centre": "event",
    "cms2": "cms2", "alertmanager": "alertmanager", "sls": "sls",
}  # fmt: skip


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
    listed = dict(line.split(maxsplit=1) for line in serve.run("send", "--list").lines)
    assert list(listed) == sample_names()
    assert listed["ecs-cpu"] == "CPU usage of an ECS instance"


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
