"""Rarer forms of the threshold callback: composite rules, fields of other years, and other ways to write the body."""

import json
from typing import Any

import pytest

from tests.callbacks.bodies import FULL, bare, callback, changed, read, read_form, without
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import State
from trayalert.domain.incident.level import Level

COMPOSITE = "@cpu_total[60].$Average>80 && @('vm.MemoryUtilization')[60].$Average>90"


def test_a_composite_rule_keeps_its_expression_and_has_no_one_number() -> None:
    alert = read_form(
        changed(metricName="多指标", rawMetricName="null", expression=COMPOSITE, curValue="cpu_total:85.2, mem:93")
    )

    assert (alert.metric, alert.metric_title, alert.expression) == ("多指标", "多指标", COMPOSITE)
    assert (alert.value, alert.value_text) == (None, "cpu_total:85.2, mem:93")


def test_an_unencoded_composite_rule_is_not_torn_at_its_ampersands() -> None:
    alert = read(bare(changed(expression=COMPOSITE)))

    assert alert.expression == COMPOSITE
    assert alert.metric == FULL["rawMetricName"]


@pytest.mark.parametrize("name", ["dimensionsOriginal", "instanceInfo"])
@pytest.mark.parametrize(
    "text",
    [
        '{"instanceId":"i-7","regionId":"cn-beijing"}',
        "{'instanceId': 'i-7', 'regionId': 'cn-beijing'}",
        "{u'instanceId': u'i-7', u'regionId': u'cn-beijing'}",
        "[{'instanceId': \"i-7\", 'regionId': 'cn-beijing'}]",
        "{instanceId=i-7, regionId=cn-beijing}",
    ],
)
def test_the_resource_is_read_from_where_other_bodies_have_it(name: str, text: str) -> None:
    alert = read_form(without("dimensions", "regionId") | {name: text})

    assert (alert.resource_id, alert.region) == ("i-7", "cn-beijing")


def test_dimensions_themselves_come_first_and_only_places_are_added_to_them() -> None:
    alert = read_form(
        without("regionId")
        | {"dimensionsOriginal": '{"instanceId":"i-other","regionId":"cn-beijing","device":"/dev/vdz","note":"x"}'}
    )

    assert alert.resource_id == "i-bp1example00000010aa"
    assert alert.region == "cn-beijing"
    assert alert.dimensions["device"] == "/dev/vda1"
    assert "note" not in alert.dimensions


@pytest.mark.parametrize("name", ["dimensionsOriginal", "instanceInfo"])
def test_without_dimensions_two_disks_of_one_instance_are_two_resources(name: str) -> None:
    bare_body = without("dimensions")
    first, second = (
        read_form(bare_body | {name: json.dumps({"userId": "1", "instanceId": "i-7", "device": device})})
        for device in ("/dev/vda1", "/dev/vdb1")
    )

    assert dict(first.dimensions) == {"userId": "1", "instanceId": "i-7", "device": "/dev/vda1"}
    assert first.subject != second.subject


def test_labels_of_the_rule_make_no_other_incident() -> None:
    plain, labelled = read_form(FULL), read_form(changed(customLabels="{projects_01=alpha, products_01=a=b}"))

    assert (plain.key, plain.subject, plain.dimensions) == (labelled.key, labelled.subject, labelled.dimensions)
    assert labelled.fields["customLabels"] == "{projects_01=alpha, products_01=a=b}"


def test_site_monitoring_names_task_and_address() -> None:
    alert = read_form(
        changed(
            namespace="acs_networkmonitor", metricProject="acs_networkmonitor", rawMetricName="StatusCode",
            metricName="StatusCode", dimensions="{taskId=0f9b, userId=1}", ruleId="0f9b_StatusCode",
            instanceName="taskName=shop，address=http://shop.example.com/a?b=c",
        )
    )  # fmt: skip

    assert (alert.resource_id, alert.resource_name) == ("0f9b", "shop")
    assert alert.address == "http://shop.example.com/a?b=c"


def test_an_application_group_with_no_instance_is_told_by_its_group() -> None:
    alert = read_form(
        changed(
            dimensions="{groupId=50000017, userId=1}", instanceName="null", regionId="null", regionName="null",
            ruleId="applyTemplateGroup1",
        )
    )  # fmt: skip

    assert (alert.group, alert.resource_id, alert.resource_name) == ("R&D prod", "50000017", None)


@pytest.mark.parametrize(
    ("name", "own", "address"),
    [
        ("web-01/10.0.0.14", "web-01", "10.0.0.14"),
        ("web/01/10.0.0.14", "web/01", "10.0.0.14"),
        ("web-01/fe80::1", "web-01", "fe80::1"),
        ("tcp，端口：10080，实例：shop", "shop", None),
        ("web-01", "web-01", None),
        ("10.0.0.14", "10.0.0.14", None),
    ],
)
def test_a_name_is_taken_apart_from_its_address(name: str, own: str, address: str | None) -> None:
    alert = read_form(changed(instanceName=name))

    assert (alert.resource_name, alert.address) == (own, address)


def test_a_relay_that_turned_the_form_into_json_with_lists_is_read() -> None:
    document = {name: [value] for name, value in FULL.items()}
    alert, plain = read(json.dumps(document).encode()), read_form(FULL)

    assert (alert.name, alert.state, alert.value, alert.key) == (plain.name, plain.state, plain.value, plain.key)


@pytest.mark.parametrize(("word", "state"), [("发生告警", State.ALERT), ("恢复告警", State.OK)])
def test_the_message_queues_form_is_read_where_it_is_handed_on(word: str, state: State) -> None:
    message = {
        "expression": "平均值>80%", "curValue": "85.65", "unit": "%", "levelDescription": word,
        "time": 1464257700000, "metricProject": "acs_ecs", "userId": "1", "metricName": "CPU使用率", "alertName": "a",
        "dimensions": "instanceId=i-1,端口=3306",
    }  # fmt: skip
    (alert,) = read_callback(callback(json.dumps({"message": message, "type": 0}).encode()))

    assert (alert.kind, alert.state, alert.at) == ("threshold", state, 1_464_257_700_000)
    assert (alert.resource_id, alert.value) == ("i-1", 85.65)


@pytest.mark.parametrize(
    ("changes", "state", "level"),
    [
        ({"alertState": "ALARM"}, State.ALERT, Level.CRITICAL),
        ({"alertState": "INSUFFICIENT_DATA"}, State.INSUFFICIENT_DATA, Level.CRITICAL),
        ({"alertState": "OK", "triggerLevel": "OK"}, State.OK, Level.OK),
        ({"alertState": "ALERT", "triggerLevel": "OK"}, State.ALERT, Level.WARN),
        ({"alertState": "whatever"}, State.ALERT, Level.CRITICAL),
    ],
)
def test_every_state_is_read(changes: dict[str, Any], state: State, level: Level) -> None:
    alert = read_form(changed(**changes))

    assert (alert.state, alert.level) == (state, level)
