"""CloudMonitor 2.0: what each alert says, and which words mean that the alert is over."""

import pytest

from tests.callbacks.other_bodies import CMS2, changed, read_document
from trayalert.domain.incident.alert import State
from trayalert.domain.incident.level import Level


def test_an_alert_is_read_field_by_field() -> None:
    alert = read_document(CMS2)

    assert (alert.kind, alert.state, alert.level) == ("cms2", State.ALERT, Level.WARN)
    assert (alert.at, alert.name, alert.rule_id) == (1_785_300_000_123, "ECS CPU usage is high", "rule-1")
    assert (alert.value, alert.value_text, alert.expression) == (92.5, "92.5", "$Value > 80")
    assert (alert.namespace, alert.region, alert.account_id) == ("acs_ecs", "cn-hangzhou", "123456")
    assert (alert.resource_id, alert.resource_name, alert.address) == ("i-bp1example0003", "web-03", "10.0.0.3")
    assert alert.message == "CPU usage exceeded 80%"
    assert alert.dimensions == {"instanceId": "i-bp1example0003", "team": "shop", "customNumber": "7"}
    assert alert.links == {
        "resource": "https://cmsnext.console.aliyun.com/entity",
        "rule": "https://cmsnext.console.aliyun.com/alert-rule",
        "history": "https://cmsnext.console.aliyun.com/history",
    }


@pytest.mark.parametrize(
    ("status", "subtype", "state"),
    [
        ("OCCURRED", "NORMAL_TRIGGER", State.ALERT),
        ("PERSISTENT", "NORMAL_TRIGGER", State.ALERT),
        ("PERSISTENT", None, State.ALERT),
        ("RESOLVED", "NORMAL_RESOLVE", State.OK),
        ("RECOVERED", "NORMAL_RESOLVE", State.OK),
        ("recovered", None, State.OK),
        (None, "NORMAL_RESOLVE", State.OK),
        (None, "NORMAL_TRIGGER", State.ALERT),
        ("Running", "HighCPUUsage", State.ALERT),
        ("INSUFFICIENT_DATA", "NODATA_TRIGGER", State.INSUFFICIENT_DATA),
        ("OCCURRED", "NODATA_TRIGGER", State.INSUFFICIENT_DATA),
        ("RESOLVED", "NODATA_RESOLVE", State.OK),
        # status and subtype contradict each other: a false alarm is better than a missed alert
        ("RESOLVED", "NORMAL_TRIGGER", State.ALERT),
        ("OCCURRED", "NORMAL_RESOLVE", State.ALERT),
    ],
)
def test_status_and_subtype_tell_the_state(status: str | None, subtype: str | None, state: State) -> None:
    assert read_document(changed(CMS2, status=status, subtype=subtype)).state is state


def test_trigger_and_resolve_are_one_incident_and_two_alerts() -> None:
    fired = read_document(CMS2)
    over = read_document(changed(CMS2, id="alert-event-2", status="RESOLVED", subtype="NORMAL_RESOLVE"))
    elsewhere = read_document(changed(CMS2, alertEntityId="ecs:i-9", resource=None))

    assert fired.key == over.key != elsewhere.key
    assert fired.identity != over.identity


def test_a_retry_is_the_same_alert() -> None:
    assert read_document(CMS2).identity == read_document(changed(CMS2, traceId="another")).identity
    assert read_document(changed(CMS2, id=None)).identity == read_document(changed(CMS2, id=None, traceId="x")).identity


def test_a_recovery_with_next_to_nothing_in_it_is_read() -> None:
    alert = read_document({"timestamp": 1785300000123, "subject": "Recovered alert", "status": "RECOVERED"})

    assert (alert.kind, alert.state, alert.level, alert.name) == ("cms2", State.OK, Level.OK, "Recovered alert")


@pytest.mark.parametrize(
    ("entity", "namespace"),
    [
        ({"domain": "ECS", "entityType": "instance", "entityId": "i-1"}, "acs_ecs"),
        ({"domain": "acs", "entity_type": "acs.rds.instance", "entity_id": "rm-1"}, "acs_rds"),
        ({"entity_id": "lb-1"}, "acs_slb"),
        ({"entity_id": "0f3a"}, None),
    ],
)
def test_the_entity_tells_the_service(entity: dict[str, str], namespace: str | None) -> None:
    alert = read_document(changed(CMS2, resource={"entity": entity}))

    assert alert.namespace == namespace
    assert alert.resource_id == (entity.get("entityId") or entity["entity_id"])


def test_the_workspace_tells_the_region_where_nothing_else_does() -> None:
    assert read_document(changed(CMS2, "resource", tags={})).region == "cn-beijing"


@pytest.mark.parametrize("data", [None, [], "text", {"value": "n/a"}, {"value": {}}, 5])
def test_data_may_be_anything(data: object) -> None:
    alert = read_document(changed(CMS2, data=data, annotations={"value": "7"}))

    assert alert.kind == "cms2"
    assert alert.value in {7.0, None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"labels": {"cluster": "c1", "pod": "a"}}, {"labels": {"cluster": "c1", "pod": "b"}}),
        (
            {"labels": {"instanceId": "i-1", "device": "/dev/vda1"}},
            {"labels": {"instanceId": "i-1", "device": "/dev/vdb1"}},
        ),
        (
            {"resource": {"entity": {"domain": "ecs", "entity_id": "d-1", "prop": {"instanceId": "i-1"}}}},
            {"resource": {"entity": {"domain": "ecs", "entity_id": "d-2", "prop": {"instanceId": "i-1"}}}},
        ),
    ],
)
def test_what_shares_a_cluster_or_an_instance_has_an_incident_of_its_own(
    one: dict[str, object], other: dict[str, object]
) -> None:
    bare = changed(CMS2, resource=None, alertEntityId=None)
    first, second = read_document({**bare, **one}), read_document({**bare, **other})

    assert first.key != second.key
    assert first.identity != second.identity
    assert first.key == read_document({**bare, **one, "status": "RESOLVED", "id": "e"}).key


@pytest.mark.parametrize(
    ("parts", "level"),
    [
        ({"severity": "page"}, Level.CRITICAL),
        ({"severity": "none", "labels": {"severity": "critical"}}, Level.INFO),
        ({"severity": "S9", "level": "fatal"}, Level.CRITICAL),
        ({"severity": "S9", "labels": {"severity": "crit"}}, Level.CRITICAL),
        ({"severity": "", "labels": {"severity": "?", "level": "notice"}}, Level.INFO),
        ({"severity": "7", "annotations": {"severity": "disaster"}}, Level.CRITICAL),
        ({"severity": "7", "data": {"level": "debug"}}, Level.INFO),
        ({"severity": "S9"}, Level.WARN),
        ({"severity": "OK"}, Level.WARN),
        ({"severity": "ok", "level": "critical"}, Level.CRITICAL),
        ({"severity": "S9", "status": "RESOLVED", "subtype": "NORMAL_RESOLVE"}, Level.OK),
    ],
)
def test_a_level_that_is_not_known_leaves_the_next_field_to_tell_it(parts: dict[str, object], level: Level) -> None:
    assert read_document({**CMS2, **parts}).level is level


def test_a_worse_level_at_the_same_moment_is_no_retry() -> None:
    assert read_document(changed(CMS2, severity="CRITICAL")).identity != read_document(CMS2).identity


def test_data_is_no_envelope_however_little_stands_around_it() -> None:
    data = {"metricName": "cpu", "value": 1, "threshold": 80, "comparisonOperator": ">", "expression": "x"}
    over = read_document({"subject": "CPU", "status": "RESOLVED", "severity": "INFO", "data": data})

    assert (over.kind, over.state, over.value) == ("cms2", State.OK, 1)


def test_an_event_of_another_sender_is_never_taken_for_an_end() -> None:
    foreign = {"specversion": "1.0", "type": "cs:k8s:PodRelatedEvent", "subject": "s", "status": "ok"}

    assert read_document(foreign).kind == "unrecognised"
