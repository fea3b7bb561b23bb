from pathlib import Path
from typing import Any

import pytest

from tests.callbacks.bodies import callback, read
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import TEST, UNRECOGNISED, Alert, Kind, State
from trayalert.domain.incident.level import Level

FILES = Path(__file__).parent.parent / "data" / "callbacks"
MADE_OF_OTHERS = {"identity", "key", "subject", "related_keys"}
"""Fields that are only promised to be equal or different for two alerts; `test_identity.py` tests them."""

# fmt: off
ABSENT: dict[str, Any] = dict.fromkeys(
    (
        "previous_level", "at", "name", "rule_id", "metric", "metric_title", "value", "value_text", "unit",
        "expression", "namespace", "region", "resource_id", "resource_name", "account_id", "group",
        "address", "message",
    )
) | {"titles": {}, "links": {}} | dict.fromkeys(("one_off", "dated_once", "resent", "only_closes"), False)
# fmt: on

# written from the documents and the logged bodies, never copied from the program's output
GOLDENS: dict[str, dict[str, Any]] = {
    "threshold-doc-2018.json": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.ALERT,  # sent as ALARM
        "level": Level.WARN,  # no level was sent
        "at": 1508136760_000,
        "name": "putNewAlarm_group_a37cd898-ea6b-4b7b-a8a8-de017a8327f6",
        "metric": "CPUUtilization",
        "metric_title": "CPUUtilization",
        "value": 95.0,
        "value_text": "95",
        "expression": '[{"expression":"$Average>90","level":4,"times":2}]',
        "namespace": "acs_ecs",
        "resource_id": "i-12345",
        "account_id": "12345",
        "dimensions": {"userId": "12345", "instanceId": "i-12345"},
        "fields": {
            "userId": "12345",
            "alertName": "putNewAlarm_group_a37cd898-ea6b-4b7b-a8a8-de017a8327f6",
            "timestamp": "1508136760",
            "alertState": "ALARM",
            "dimensions": '[{"userId":"12345","instanceId":"i-12345"}]',
            "expression": '[{"expression":"$Average>90","level":4,"times":2}]',
            "curValue": "95",
            "metricName": "CPUUtilization",
            "metricProject": "acs_ecs_dashboard",
        },
    },
    "threshold-ecs-disk-alert-2019.form": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.ALERT,
        "level": Level.INFO,
        "previous_level": Level.INFO,
        "at": 1566382980000,
        "name": "diskusage_utilization_95.0",
        "rule_id": "applyTemplateGroup00001010-1fff-4bff-8bd1-f5f8a69c0010",
        "metric": "磁盘使用率",
        "metric_title": "磁盘使用率",
        "value": 95.0,
        "value_text": "95",
        "expression": "$Average>=95",
        "namespace": "acs_ecs",
        "resource_id": "i-bp1example00000010aa",
        "resource_name": "db-02",
        "address": "10.0.0.22",
        "account_id": "1900000000000010",
        "dimensions": {
            "userId": "1900000000000010",
            "device": "/dev/vda1",
            "instanceId": "i-bp1example00000010aa",
        },
        "fields": {
            "alertName": "diskusage_utilization_95.0",
            "alertState": "ALERT",
            "curValue": "95",
            "dimensions": "{userId=1900000000000010, device=/dev/vda1, instanceId=i-bp1example00000010aa}",
            "expression": "$Average>=95",
            "instanceName": "db-02/10.0.0.22",
            "metricName": "磁盘使用率",
            "metricProject": "acs_ecs",
            "namespace": "acs_ecs",
            "preTriggerLevel": "INFO",
            "ruleId": "applyTemplateGroup00001010-1fff-4bff-8bd1-f5f8a69c0010",
            "signature": "sdV4ERHYT3s/5FoIUuWXWM16h+U=",
            "timestamp": "1566382980000",
            "triggerLevel": "INFO",
            "userId": "1900000000000010",
        },
    },
    "threshold-doc-2020-unencoded.form": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.ALERT,
        "level": Level.WARN,
        "previous_level": Level.WARN,
        "at": 1508136760_000,
        "name": "Basic monitoring-ECS-memory usage",
        "rule_id": "applyTemplateee147e59-664f-4033-a1be-e9595746****",
        "metric": "Host.mem.usedutilization",
        "metric_title": "Host.mem.usedutilization",
        "value": 97.39,
        "value_text": "97.39",
        "expression": "$Average>=95",
        "namespace": "acs_ecs",
        "resource_id": "i-12****",
        "resource_name": "instance-name-****",
        "account_id": "12****",
        "dimensions": {"userId": "12****)", "instanceId": "i-12****"},  # the misprint is in the document
        "fields": {
            "expression": "$Average>=95",
            "metricName": "Host.mem.usedutilization",
            "instanceName": "instance-name-****",
            "signature": "eEq1zHuCUp0XSmLD8p8VtTKF****",
            "metricProject": "acs_ecs",
            "userId": "12****",
            "curValue": "97.39",
            "alertName": "Basic monitoring-ECS-memory usage",
            "namespace": "acs_ecs",
            "triggerLevel": "WARN",
            "alertState": "ALERT",
            "preTriggerLevel": "WARN",
            "ruleId": "applyTemplateee147e59-664f-4033-a1be-e9595746****",
            "dimensions": "{userId=12****), instanceId=i-12****}",
            "timestamp": "1508136760",
        },
    },
    "threshold-ecs-memory-alert-2020.form": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.ALERT,
        "level": Level.WARN,
        "previous_level": Level.WARN,
        "at": 1604919253334,
        "name": "memory use",
        "rule_id": "i-wz9aaaaexample0001aa_0000c3c3-28f8-46a7-82a5-bb7522b50003",
        "metric": "vm.MemoryUtilization",
        "metric_title": "内存使用率",
        "value": 12.45,
        "value_text": "12.45",
        "expression": "$Average>=10",
        "namespace": "acs_ecs",
        "resource_id": "i-wz9aaaaexample0001aa",
        "resource_name": "web-01",
        "address": "10.0.0.14",
        "account_id": "19000003",
        "dimensions": {"instanceId": "i-wz9aaaaexample0001aa", "userId": "19000003"},
        "fields": {
            "alertName": "memory use",
            "alertState": "ALERT",
            "curValue": "12.45",
            "dimensions": "{instanceId=i-wz9aaaaexample0001aa, userId=19000003}",
            "expression": "$Average>=10",
            "instanceName": "web-01/10.0.0.14",
            "metricName": "内存使用率",
            "metricProject": "acs_ecs",
            "namespace": "acs_ecs",
            "preTriggerLevel": "WARN",
            "rawMetricName": "vm.MemoryUtilization",
            "ruleId": "i-wz9aaaaexample0001aa_0000c3c3-28f8-46a7-82a5-bb7522b50003",
            "signature": "MYhnNRbEoYn8BlNmaHt7BTg/zNo=",
            "timestamp": "1604919253334",
            "triggerLevel": "WARN",
            "userId": "19000003",
        },
    },
    "threshold-apigateway-ok-2023.form": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.OK,
        "level": Level.OK,
        "previous_level": Level.INFO,
        "at": 1685614196421,
        "name": "API网关_返回码4XX个数",
        "rule_id": "alarmRule_uuid_0000bbbbf1d577826640dbd79aad4178d8adf30002",
        "metric": "code4XX_stage",
        "metric_title": "code4XX_stage",
        "value": 2.0,
        "value_text": "2",
        "unit": "个",
        "expression": "$Value >= 5",
        "namespace": "acs_apigateway",
        "region": "cn-shenzhen",  # regionId is the text `null`, so the dimension counts
        "resource_id": "1b2c3d4e5f60718293a4b5c6d7e8f90a",
        "account_id": "1900000000000017",
        "group": "shop-prod",
        "dimensions": {
            "apiStageName": "RELEASE",
            "apiUid": "1b2c3d4e5f60718293a4b5c6d7e8f90a",
            "region": "cn-shenzhen",
            "userId": "1900000000000017",
        },
        "fields": {
            "lastTime": "2分钟",
            "rawMetricName": "code4XX_stage",
            "expression": "$Value >= 5",
            "metricName": "code4XX_stage",
            "instanceName": "null",
            "signature": "t8QUUg0U+SpQIZzl7ITSELzeIU8=",
            "transId": "bbbb2222-0064-11ee-b07f-00163e000002",
            "groupId": "50000017",
            "regionName": "null",
            "productGroupName": "shop-prod",
            "metricProject": "acs_apigateway",
            "userId": "1900000000000017",
            "curValue": "2",
            "unit": "个",
            "alertName": "API网关_返回码4XX个数",
            "regionId": "null",
            "namespace": "acs_apigateway",
            "triggerLevel": "OK",
            "alertState": "OK",
            "preTriggerLevel": "INFO",
            "ruleId": "alarmRule_uuid_0000bbbbf1d577826640dbd79aad4178d8adf30002",
            "dimensions": "{apiStageName=RELEASE, apiUid=1b2c3d4e5f60718293a4b5c6d7e8f90a, region=cn-shenzhen, "
            "userId=1900000000000017}",
            "timestamp": "1685614196421",
        },
    },
    "threshold-doc-current-unencoded.form": ABSENT | {
        "kind": Kind("threshold"),
        "state": State.ALERT,
        "level": Level.WARN,
        "previous_level": Level.WARN,
        "at": 1508136760_000,
        "name": "Basic monitoring-ECS-Memory usage",
        "rule_id": "applyTemplateee147e59-664f-4033-a1be-e9595746****",
        "metric": "cpu_total",
        "metric_title": "Host.mem.usedutilization",
        "value": 97.39,
        "value_text": "97.39",
        "unit": "%",
        "expression": "$Average>=95",
        "namespace": "acs_ecs",  # sent as acs_ecs_dashboard
        "region": "cn-hangzhou",
        "resource_id": "i-8psdh7l6lphbn10l****",
        "resource_name": "instance-name-****",
        "account_id": "110803419679****",
        "group": "test_Group",
        "dimensions": {"userId": "110803419679****", "instanceId": "i-8psdh7l6lphbn10l****"},
        "fields": {
            "expression": "$Average>=95",
            "metricName": "Host.mem.usedutilization",
            "instanceName": "instance-name-****",
            "signature": "eEq1zHuCUp0XSmLD8p8VtTKF****",
            "metricProject": "acs_ecs",
            "userId": "110803419679****",
            "curValue": "97.39",
            "alertName": "Basic monitoring-ECS-Memory usage",
            "namespace": "acs_ecs_dashboard",
            "triggerLevel": "WARN",
            "alertState": "ALERT",
            "preTriggerLevel": "WARN",
            "ruleId": "applyTemplateee147e59-664f-4033-a1be-e9595746****",
            "dimensions": "{userId=110803419679****, instanceId=i-8psdh7l6lphbn10l****}",
            "timestamp": "1508136760",
            "productGroupName": "test_Group",
            "groupId": "1666****",
            "lastTime": "2 minutes",
            "rawMetricName": "cpu_total",
            "regionId": "cn-hangzhou",
            "regionName": "China (Hangzhou)",
            "transId": "53767d2a-ae72-11ed-b2ca-00163e2c****",
            "unit": "%",
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDENS)
def test_a_known_body_is_read_field_by_field(name: str) -> None:
    alert = read((FILES / name).read_bytes())

    assert {field: getattr(alert, field) for field in GOLDENS[name]} == GOLDENS[name]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_golden_names_every_field_of_an_alert(name: str) -> None:
    assert GOLDENS[name].keys() == Alert.__annotations__.keys() - MADE_OF_OTHERS


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("threshold-apigateway-ok-2023.form", "bbbb2222-0064-11ee-b07f-00163e000002"),
        ("threshold-doc-current-unencoded.form", "53767d2a-ae72-11ed-b2ca-00163e2c****"),
    ],
)
def test_the_key_is_the_trans_id_where_one_was_sent(name: str, key: str) -> None:
    alert = read((FILES / name).read_bytes())

    assert alert.key == key
    assert alert.subject != key


@pytest.mark.parametrize("name", [name for name, golden in GOLDENS.items() if "transId" not in golden["fields"]])
def test_the_key_is_the_subject_where_no_trans_id_was_sent(name: str) -> None:
    alert = read((FILES / name).read_bytes())

    assert alert.key == alert.subject


def test_every_file_is_read_here() -> None:
    files = {path.name for path in FILES.iterdir()}

    assert files == GOLDENS.keys() | OTHER_KINDS.keys() | MISREAD.keys()


# for each file: kind, state, level, the number of fields, and some fields that must not be lost
OTHER_KINDS: dict[str, tuple[str, State, Level, int, dict[str, str]]] = {
    "cms2-resolved.json": (
        "cms2",
        State.OK,
        Level.CRITICAL,
        6,
        {"subtype": "NORMAL_RESOLVE", "status": "RESOLVED", "labels": '{"instanceId":"i-123"}'},
    ),
    "event-rule-doc.json": (
        "event",
        State.ALERT,
        Level.INFO,
        15,
        {
            "product": "ECS",
            "groupId": "",
            "eventTime": "20230217T103516.475+0800",
            "content": '{"resourceId":"i-j6c9pagb27uzlikj****","instanceName":"prd-infra-gateway-service-0****",'
            '"instanceType":"ecs.c6e.large","state":"Deleted","privateIpAddress":"10.48.XX.XX",'
            '"resourceType":"ALIYUN::ECS::Instance"}',
        },
    ),
    "event-subscription-doc.json": (
        "event",
        State.ALERT,
        Level.INFO,
        8,
        {"batchId": "testbatchid", "time": "1704780333000", "severity": "INFO"},
    ),
} | {
    name: ("event", state, Level.CRITICAL, 9, {"name": event_name, "status": status})
    for name, state, event_name, status in [
        ("event-vpn-health-failed.json", State.ALERT, "ipsec_health_check_failed", "0"),
        ("event-vpn-health-success.json", State.OK, "ipsec_health_check_success", "1"),
        ("event-ddoscoo-blackhole-add.json", State.ALERT, "ddoscoo_event_blackhole_add", "blackhole_begin"),
        ("event-ddoscoo-blackhole-end.json", State.OK, "ddoscoo_event_blackhole_end", "blackhole_end"),
        ("event-dts-job-abnormal.json", State.ALERT, "sync_job_abnormal", "Failed"),
        ("event-dts-job-restore.json", State.OK, "sync_job_restore", "Restore"),
    ]
}


# bodies that were misread in the past, and what each of their alerts says
MISREAD: dict[str, list[dict[str, Any]]] = {
    "alertmanager-kube-state-metrics.json": [
        {
            "kind": "alertmanager", "state": State.ALERT, "level": Level.WARN, "at": 1_795_992_600_000,
            "name": "KubeDeploymentReplicasMismatch", "resource_id": "cart", "address": None,
            "dimensions": {
                "alertname": "KubeDeploymentReplicasMismatch", "deployment": "cart", "namespace": "shop",
                "job": "kube-state-metrics", "container": "kube-state-metrics",
                "pod": "kube-state-metrics-6f664bc8c4-abcde", "instance": "10.42.9.28:8080",
            },
        }
    ],
    "alertmanager-severity-page.json": [
        {"kind": "alertmanager", "state": State.ALERT, "level": Level.CRITICAL, "name": "S", "resource_id": "db1"}
    ],
    "alertmanager-severity-none.json": [
        {"kind": "alertmanager", "state": State.ALERT, "level": Level.INFO, "name": "Watchdog"}
    ],
    "alertmanager-grafana-no-data.json": [
        {"kind": "alertmanager", "state": State.ALERT, "name": "Orders per minute", "level": Level.WARN}
    ],
    "alertmanager-raw-line-break.json": [
        {"kind": "alertmanager", "state": State.ALERT, "name": "N", "message": "a\nb", "at": None}
    ],
    "alertmanager-over-64-kib.json": [
        {
            "kind": "alertmanager", "state": State.ALERT, "level": Level.CRITICAL, "name": "P",
            "resource_id": f"p{number:03}", "at": 1_795_992_600_000,
        }
        for number in range(90)
    ],
    "sls-legacy.json": [
        {
            "kind": "sls", "state": State.ALERT, "level": Level.WARN, "name": "5xx on checkout", "expression": "[5]>3",
            "resource_id": "shop-logs", "at": None, "one_off": True,
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MISREAD)
def test_what_was_misread_once_is_read_as_it_was_meant(name: str) -> None:
    alerts = read_callback(callback((FILES / name).read_bytes()))

    assert [{field: getattr(alert, field) for field in MISREAD[name][0]} for alert in alerts] == MISREAD[name]
    assert len({alert.key for alert in alerts}) == len(alerts)


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_a_body_of_another_kind_is_kept_whole_and_read(name: str) -> None:
    alert = read((FILES / name).read_bytes(), content_type="application/json")
    kind, state, level, count, texts = OTHER_KINDS[name]

    assert (alert.kind, alert.state, alert.level) == (kind, state, level)
    assert alert.identity.text
    assert alert.identity.timed
    assert len(alert.fields) == count
    assert texts.items() <= alert.fields.items()


@pytest.mark.parametrize(
    ("begins", "ends", "namespace", "resource"),
    [
        ("event-vpn-health-failed.json", "event-vpn-health-success.json", "acs_vpn", "vco-m08"),
        ("event-ddoscoo-blackhole-add.json", "event-ddoscoo-blackhole-end.json", "acs_ddoscoo", "d-m10"),
        ("event-dts-job-abnormal.json", "event-dts-job-restore.json", "acs_dts", "dtsm30"),
    ],
)
def test_the_two_events_of_a_pair_are_one_incident(begins: str, ends: str, namespace: str, resource: str) -> None:
    begun, over = (read((FILES / name).read_bytes(), content_type="application/json") for name in (begins, ends))

    assert (begun.key, begun.one_off, over.one_off) == (over.key, True, False)
    assert (begun.at, over.at) == (1_795_993_200_000, 1_795_993_500_000)
    for alert in (begun, over):
        assert (alert.namespace, alert.resource_id, alert.region) == (namespace, resource, "cn-hangzhou")
        assert (alert.account_id, alert.dated_once, alert.message) == ("1234567890123456", True, None)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"  "])
def test_nothing_at_all_is_the_consoles_test(method: str, body: bytes) -> None:
    alert = read(body, method=method)

    assert (alert.kind, alert.state, alert.fields, alert.dimensions) == (TEST, None, {}, {})
    assert alert.identity.text == ""  # an empty identity: never merged with another alert


@pytest.mark.parametrize(
    ("body", "query"),
    [(b"", b"from=aliyun"), (b"null", b""), (b"{}", b""), (b"&", b""), (b"=", b""), (b"hello", b""), (b"[1,2]", b"")],
)
def test_anything_that_is_not_nothing_and_not_readable_is_unrecognised(body: bytes, query: bytes) -> None:
    assert read(body, query=query).kind == UNRECOGNISED
