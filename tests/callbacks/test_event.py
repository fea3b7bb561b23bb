"""System events: what each event says, and which events are one incident."""

import json

import pytest

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import MAINTENANCE, PUSHED, as_json, changed, read_document
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import Alert, State
from trayalert.domain.incident.level import Level


def maintenance(status: str | None = None, **parts: object) -> Alert:
    """Return the alert of the maintenance event in another phase."""
    document = changed(MAINTENANCE, **parts)
    if status is not None:
        document["content"]["eventStatus"] = status
    return read_document(document)


def event(name: str, **parts: object) -> Alert:
    return read_document(changed(MAINTENANCE, **{"name": name, "content": {"state": "x"}, **parts}))


def test_an_event_of_a_rule_is_read_field_by_field() -> None:
    alert = read_document(MAINTENANCE)

    assert (alert.kind, alert.state, alert.level) == ("event", State.ALERT, Level.CRITICAL)
    assert alert.at == 1_554_783_506_922
    assert alert.name == "Instance:SystemMaintenance.Reboot:Scheduled"
    assert (alert.namespace, alert.region, alert.account_id) == ("acs_ecs", "cn-hangzhou", "1690000000000001")
    assert (alert.resource_id, alert.dimensions) == ("i-bp1example0001", {"instanceId": "i-bp1example0001"})
    assert alert.message == "Scheduled; notBefore: 2019-04-12T01:01:01Z"
    assert not alert.one_off


def test_an_event_of_the_event_centre_is_read_field_by_field() -> None:
    alert = read_document(PUSHED)

    assert (alert.kind, alert.state, alert.level) == ("event", State.ALERT, Level.WARN)
    assert alert.at == 1_725_960_397_000
    assert alert.name == "Instance:StateChange"
    assert alert.titles == {"en": "Instance state changed", "zh": "实例状态改变通知"}
    assert (alert.namespace, alert.region, alert.account_id) == ("acs_ecs", "cn-shanghai", "1000")
    assert (alert.resource_id, alert.resource_name, alert.address) == ("i-bp1example0002", "web-02", "10.0.0.7")
    assert (alert.rule_id, alert.group, alert.message) == ("9f9f", "shop", "state: Stopped")
    assert alert.one_off


def test_what_is_raw_stands_in_for_a_content_that_is_missing() -> None:
    assert read_document(changed(PUSHED, "alert", eventContentMap=None)).message == "state: Stopped"


@pytest.mark.parametrize("status", ["Scheduled", "Inquiring", "Executing", "Waiting", "Failed", "executing"])
def test_a_phase_before_the_end_burns(status: str) -> None:
    assert maintenance(status).state is State.ALERT


@pytest.mark.parametrize("status", ["Executed", "Avoided", "Canceled", "Cancelled", "avoided"])
def test_the_last_phase_is_the_end(status: str) -> None:
    alert = maintenance(status)

    assert alert.state is State.OK
    assert alert.level is Level.CRITICAL  # the level that was sent


def test_all_phases_of_a_maintenance_are_one_incident_and_another_is_not() -> None:
    alerts = [
        maintenance("Scheduled"),
        maintenance("Executing", name="Instance:SystemMaintenance.Reboot:Executing"),
        maintenance("Executed", name="Instance:SystemMaintenance.Reboot:Executed", level="INFO"),
    ]
    other = read_document(changed(MAINTENANCE, "content", eventId="e-2"))

    assert len({alert.key for alert in alerts}) == 1
    assert len({alert.identity for alert in alerts}) == 3
    assert other.key not in {alert.key for alert in alerts}
    # the end of one maintenance never closes another maintenance of the same instance
    assert all(alert.key == alert.subject for alert in alerts)


def test_a_rule_and_the_event_centre_tell_of_the_same_maintenance() -> None:
    content = MAINTENANCE["content"]
    pushed = changed(PUSHED, "alert", eventContentMap=content, eventName=MAINTENANCE["name"], userId=None)

    assert read_document(changed(pushed, userId=MAINTENANCE["userId"])).key == read_document(MAINTENANCE).key


def test_a_document_that_prints_an_older_name_beside_a_newer_phase_is_believed_in_the_phase() -> None:
    assert maintenance("Avoided").name == "Instance:SystemMaintenance.Reboot:Scheduled"
    assert maintenance("Avoided").state is State.OK


def test_a_time_of_the_end_is_the_end_where_no_phase_is_named() -> None:
    content = {"eventId": "e-9", "diskId": "d-1", "device": "/dev/xvdb", "executeStartTime": "2019-08-06T11:00:00Z"}
    disk = changed(MAINTENANCE, name="Disk:Stalled:Executing", content=content, resourceId="acs:ecs:cn-x:1:disk/d-1")
    over = changed(disk, "content", executeFinishTime="2019-08-06T12:00:00Z")

    assert (read_document(disk).state, read_document(over).state) == (State.ALERT, State.OK)
    assert read_document(disk).key == read_document(over).key
    assert read_document(disk).dimensions == {"diskId": "d-1", "device": "/dev/xvdb"}


def test_what_failed_closes_by_itself_and_is_never_only_news() -> None:
    failed = maintenance("Failed", level="INFO")

    assert (failed.one_off, failed.level) == (True, Level.WARN)
    assert failed.key == maintenance("Scheduled").key


def test_an_event_that_just_happened_is_one_off_though_it_calls_itself_executed() -> None:
    failover = event("Instance_Failover", status="Executed", product="RDS")

    assert (failover.state, failover.one_off) == (State.ALERT, True)


def test_one_off_events_of_a_name_on_a_resource_join_and_others_do_not() -> None:
    stopped = event("Instance:StateChange")
    again = event("Instance:StateChange", id="another", eventTime="20190410T121826.922+0800")
    elsewhere = event("Instance:StateChange", resourceId="acs:ecs:cn-hangzhou:1690000000000001:instance/i-2")

    assert stopped.key == again.key != elsewhere.key
    assert stopped.identity != again.identity


def test_resolved_closes_what_the_event_centre_triggered() -> None:
    triggered = read_document(PUSHED)
    resolved = read_document(changed(PUSHED, "alert", alertStatus="RESOLVED"))

    assert (resolved.state, resolved.one_off) == (State.OK, False)
    assert resolved.key == triggered.key
    assert resolved.identity != triggered.identity


def test_a_metric_in_the_event_centre_waits_for_its_end() -> None:
    assert not read_document(changed(PUSHED, "alert", source="METRIC")).one_off


@pytest.mark.parametrize("path", [(), ("alert",), ("alert", "meta", "sysEventMeta"), ("alert", "eventContentMap")])
@pytest.mark.parametrize("field", ["severity", "level"])
def test_a_level_that_is_not_known_leaves_the_next_field_to_tell_it(path: tuple[str, ...], field: str) -> None:
    unknown = changed(PUSHED, severity="S9")
    unknown = changed(unknown, "alert", severity="7")
    unknown = changed(unknown, "alert", "meta", "sysEventMeta", level="loud")

    assert read_document(unknown).level is Level.WARN
    assert read_document(changed(unknown, *path, **{field: "page"})).level is Level.CRITICAL


@pytest.mark.parametrize(("word", "level"), [("none", Level.INFO), ("ok", Level.WARN), ("cleared", Level.WARN)])
def test_no_word_makes_an_event_calmer_than_news(word: str, level: Level) -> None:
    assert event("Deploy", level=word).level is level


def test_a_retry_is_the_same_and_a_worse_one_is_not() -> None:
    assert read_document(PUSHED).identity == read_document(changed(PUSHED, batchId="another")).identity
    assert read_document(PUSHED).identity != read_document(changed(PUSHED, severity="CRITICAL")).identity


def test_an_event_in_the_words_of_mongodb_is_read() -> None:
    alert = read_document(
        {
            "product": "MongoDB", "resourceID": "acs:mongodb:cn-hongkong:1:instance/dds-1", "level": "WARN",
            "instanceName": "42/dds-1", "regionID": "cn-hangzhou", "name": "Instance_Switchover", "content": {},
            "status": "Executing",
        }
    )  # fmt: skip

    assert (alert.kind, alert.namespace, alert.region) == ("event", "acs_mongodb", "cn-hangzhou")
    assert (alert.resource_id, alert.at, alert.identity.timed) == ("dds-1", None, False)


def test_content_may_be_a_text_or_a_text_of_json() -> None:
    as_text = changed(MAINTENANCE, content=json.dumps(MAINTENANCE["content"]))
    custom = changed(MAINTENANCE, name="Deploy", content="requestId:BD52, info:{}")

    assert read_document(as_text).key == read_document(MAINTENANCE).key
    assert read_document(custom).name == "Deploy"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("acs:rds:cn-hangzhou:1:dbinstance/rm-1", ("acs_rds", "cn-hangzhou", "rm-1")),
        ("acs:oss:oss-cn-beijing:1:my-bucket", ("acs_oss", "cn-beijing", "my-bucket")),
        ("acs:vpc:cn-hangzhou:1:eip/eip-1", ("acs_vpc_eip", "cn-hangzhou", "eip-1")),
        ("acs:kvstore:*:*:instance/r-1", ("acs_kvstore", "cn-hangzhou", "r-1")),
        ("acs:ecs:cn-hangzhou:1:instance/i-1/disk/d-1", ("acs_ecs", "cn-hangzhou", "i-1")),
        ("i-7", ("acs_ecs", "cn-hangzhou", "i-7")),
    ],
)
def test_an_arn_tells_service_region_and_resource(arn: str, expected: tuple[str, str, str]) -> None:
    product = None if ":" in arn else "ECS"
    alert = read_document(
        changed(MAINTENANCE, resourceId=arn, regionId=None if "*" not in arn else "cn-hangzhou", content={"a": "b"})
        | ({"product": product} if product else {"product": "?"})
    )
    region = expected[1] if ":" in arn else None

    assert (alert.namespace, alert.region, alert.resource_id) == (expected[0], region, expected[2])


@pytest.mark.parametrize(
    "stamp", ["20190409T121826.922+0800", "2019-04-09T12:18:26.922+08:00", "2019-04-09T04:18:26.922Z", "1554783506922"]
)
def test_the_time_is_read_in_every_form(stamp: str) -> None:
    assert maintenance(eventTime=stamp).at == 1_554_783_506_922


@pytest.mark.parametrize("stamp", ["yesterday", "2019-04-09 12:18:26", "0001-01-01T00:00:00Z", "20191399T250000+0800"])
def test_a_time_that_names_no_moment_is_none(stamp: str) -> None:
    assert maintenance(eventTime=stamp).at is None


def test_an_event_centre_body_with_texts_of_json_all_the_way_is_read() -> None:
    pushed = changed(PUSHED, "alert", meta=json.dumps(PUSHED["alert"]["meta"]))
    (alert,) = read_callback(callback(as_json({**pushed, "alert": json.dumps(pushed["alert"])})))

    assert alert.titles["zh"] == "实例状态改变通知"


def test_what_failed_closes_by_itself_together_with_what_began() -> None:
    began, failed = event("AUTOSCALING:SCALE_IN_START"), event("AUTOSCALING:SCALE_IN_ERROR")

    assert (failed.state, failed.one_off, failed.key) == (State.ALERT, True, began.key)


def test_the_end_for_one_address_of_an_instance_closes_no_other() -> None:
    one, other = (event("x", status="blackhole_end", content={"ip": ip}) for ip in ("10.0.0.1", "10.0.0.2"))

    assert one.key != other.key
    assert one.identity != other.identity


def test_maintenance_that_names_its_phase_in_the_status_alone_has_an_end() -> None:
    name = "Instance:SystemMaintenance.Transfer"
    due, over = (event(name, status=status, content={}) for status in ("Scheduled", "Executed"))

    assert [(due.state, due.one_off), (over.state, over.one_off)] == [(State.ALERT, False), (State.OK, False)]
    assert due.key == over.key


def test_one_id_on_two_resources_is_two_alerts() -> None:
    elsewhere = changed(MAINTENANCE, resourceId="acs:ecs:cn-hangzhou:1690000000000001:instance/i-2")

    assert read_document(elsewhere).identity != read_document(MAINTENANCE).identity


def test_an_id_with_no_moment_is_a_retry_only_for_a_while() -> None:
    assert not read_document(changed(MAINTENANCE, eventTime=None)).identity.timed


@pytest.mark.parametrize("rest", [{"level": "CRITICAL"}, {"userId": "1"}, {"status": "Normal"}])
def test_a_product_and_a_name_are_nearly_enough(rest: dict[str, str]) -> None:
    assert read_document({"product": "ECS", "name": "Instance:StateChange", **rest}).kind == "event"
    assert read_document({"product": "shoes", "name": "Ann"}).kind == "unrecognised"
