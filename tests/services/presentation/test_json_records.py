"""The JSON records for scripts: all keys of the contract, each in the documented form."""

import json
from pathlib import Path

import pytest

from tests.storage.making import HOUR, NOON, append, raw_callback, read, reading, store
from trayalert.callbacks.parsing.identity import key_of
from trayalert.domain.settings.settings import Settings
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.json_records import Record, alert_record, incident_record, json_line, mute_period
from trayalert.services.presentation.link_table import link_table
from trayalert.storage.writer.writer import Job

LINKS = link_table(Settings())
SOURCE_ADDRESSES = SourceAddresses(Settings())
ALERT_KEYS = (
    "id", "received_at", "at", "kind", "state", "level", "previous_level", "name", "rule_id", "metric",
    "metric_title", "value", "value_text", "unit", "expression", "namespace", "region", "resource_id",
    "resource_name", "account_id", "group", "dimensions", "incident_id", "deliveries", "console_url", "links",
    "fields",
)  # fmt: skip
INCIDENT_KEYS = (
    "id", "key", "state", "level", "worst_level", "no_data", "unconfirmed", "opened_at", "closed_at", "name",
    "resource_id", "resource_name", "namespace", "region", "alerts", "acknowledged_at", "snoozed_until", "muted",
    "last_value", "console_url", "links",
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def record(path: Path, job: Job, *, raw: bool = False) -> Record:
    store(path, job)
    with reading(path) as reader:
        found: Record = json.loads(
            json.dumps(alert_record(next(reader.alerts(limit=1, raw=raw)), LINKS, SOURCE_ADDRESSES))
        )
        return found


def incident(path: Path, *jobs: Job, now: int = NOON) -> Record:
    store(path, *jobs)
    with reading(path) as reader:
        stored = next(reader.every_incident())
    found: Record = json.loads(json.dumps(incident_record(stored, LINKS, now=now, mute_period=mute_period(Settings()))))
    return found


def test_an_alert_has_every_key_of_the_contract(path: Path) -> None:
    found = record(
        path,
        append(
            "i-bp1", came=NOON + 250, preTriggerLevel="WARNING", triggerLevel="P1", rawMetricName="CPUUtilization",
            metricName="CPU使用率", unit="%", expression="$Average>=95", regionId="cn-hangzhou",
            instanceName="web/10.0.0.1", productGroupName="shop", namespace="acs_ecs_dashboard", extra="x",
        ),
    )  # fmt: skip

    assert set(ALERT_KEYS) <= found.keys()
    assert {name: found[name] for name in ALERT_KEYS if name not in {"console_url", "links", "fields"}} == {
        "id": 1,
        "received_at": "2026-09-21T14:13:20.250Z",
        "at": "2026-09-21T14:13:20.000Z",
        "kind": "threshold",
        "state": "ALERT",
        "level": "CRITICAL",
        "previous_level": "WARN",
        "name": "CPU",
        "rule_id": "rule-1",
        "metric": "CPUUtilization",
        "metric_title": "CPU使用率",
        "value": 97.5,
        "value_text": "97.5",
        "unit": "%",
        "expression": "$Average>=95",
        "namespace": "acs_ecs",
        "region": "cn-hangzhou",
        "resource_id": "i-bp1",
        "resource_name": "web",
        "account_id": "1",
        "group": "shop",
        "dimensions": {"instanceId": "i-bp1", "userId": "1"},
        "incident_id": 1,
        "deliveries": 1,
    }
    best = "https://ecs.console.aliyun.com/server/i-bp1/detail?regionId=cn-hangzhou"
    assert found["console_url"] == best
    assert found["links"][0] == {"page": "instance", "title": "Instance page", "url": best, "grade": "B"}
    assert [link["page"] for link in found["links"]] == ["instance", "chart", "host", "list", "hash", "rules"]
    assert found["fields"]["extra"] == "x"
    assert found["fields"]["triggerLevel"] == "P1"


@pytest.mark.parametrize("nothing", ["", "null", "  "])
def test_what_is_absent_empty_or_null_is_null(path: Path, nothing: str) -> None:
    names = ["alertName", "curValue", "unit", "expression", "regionId", "instanceName", "productGroupName", "timestamp"]
    found = record(path, append(preTriggerLevel=nothing, metricName="of ours", **dict.fromkeys(names, nothing)))

    absent = ["name", "value", "value_text", "unit", "expression", "region", "resource_name", "group", "at"]
    assert {found[name] for name in [*absent, "previous_level"]} == {None}


@pytest.mark.parametrize(("body", "kind"), [(b"", "test"), (b"what is this", "unrecognised")])
def test_what_is_no_threshold_has_the_keys_too(path: Path, body: bytes, kind: str) -> None:
    found = record(path, read(raw_callback(body)), raw=True)

    assert set(ALERT_KEYS) | {"raw"} <= found.keys()
    assert (found["kind"], found["state"], found["dimensions"], found["console_url"]) == (kind, None, {}, None)
    assert found["links"] == []
    assert found["raw"] == {"test": "", "unrecognised": "d2hhdCBpcyB0aGlz"}[kind]


def test_a_title_and_a_unit_that_the_callback_lacks_come_from_the_table(path: Path) -> None:
    lacking = append(rawMetricName="cpu_total", metricName="cpu_total", namespace="acs_ecs_dashboard")
    own = record(path, lacking)
    assert (own["metric"], own["metric_title"], own["unit"]) == ("cpu_total", "Host.cpu.total", "%")


def test_a_metric_that_the_table_names_in_chinese_only_is_its_id_for_scripts(path: Path) -> None:
    chinese_only = append(rawMetricName="dcdn_qps_http", metricName="dcdn_qps_http", namespace="acs_dcdn")
    assert record(path, chinese_only)["metric_title"] == "dcdn_qps_http"


def test_the_raw_bytes_are_there_only_where_asked_for(path: Path) -> None:
    assert "raw" not in record(path, append())


def test_an_incident_has_every_key_of_the_contract(path: Path) -> None:
    found = incident(
        path,
        append("i-1", triggerLevel="CRITICAL", regionId="cn-hangzhou", instanceName="web"),
        append("i-1", at=NOON + 1000, regionId="cn-hangzhou", instanceName="web", curValue="50"),
    )

    assert set(INCIDENT_KEYS) <= found.keys()
    assert [link["title"] for link in found.pop("links")][:2] == ["Instance page", "Metric chart"]
    assert {name: found[name] for name in INCIDENT_KEYS if name != "links"} == {
        "id": 1,
        "key": key_of("1", "rule-1", [("instanceId", "i-1")]),
        "state": "open",
        "level": "WARN",
        "worst_level": "CRITICAL",
        "no_data": False,
        "unconfirmed": False,
        "opened_at": "2026-09-21T14:13:20.000Z",
        "closed_at": None,
        "name": "CPU",
        "resource_id": "i-1",
        "resource_name": "web",
        "namespace": "acs_ecs",
        "region": "cn-hangzhou",
        "alerts": 2,
        "acknowledged_at": None,
        "snoozed_until": None,
        "muted": False,
        "last_value": 50.0,
        "console_url": "https://ecs.console.aliyun.com/server/i-1/detail?regionId=cn-hangzhou",
    }


def test_a_closed_incident_says_when_and_why(path: Path) -> None:
    found = incident(path, append(), append(at=NOON + 60_000, alertState="OK", triggerLevel="OK"))

    assert (found["state"], found["closed_at"], found["closed_by"]) == (
        "closed",
        "2026-09-21T14:14:20.000Z",
        "recovered",
    )


def test_an_open_incident_that_was_long_not_repeated_is_unconfirmed(path: Path) -> None:
    assert not incident(path, append("i-1"), now=NOON + 25 * HOUR)["unconfirmed"]
    assert incident(path, append("i-2"), now=NOON + 25 * HOUR + 1)["unconfirmed"]
    ok = append("i-3", at=NOON + 1, alertState="OK")
    assert not incident(path, append("i-3"), ok, now=NOON + 99 * HOUR)["unconfirmed"]


def test_an_object_is_one_line_for_every_script() -> None:
    record = {"name": "a\x85b\u2028c\u2029d\ne\x0bf\x1cg 磁盘"}

    line = json_line(record)
    assert line.splitlines() == [line]
    assert json.loads(line) == record
    assert "磁盘" in line
