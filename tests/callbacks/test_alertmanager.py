"""Alertmanager: each entry of a group is read as a separate alert."""

from dataclasses import replace
from typing import Any

import pytest

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import ARMS, as_json, changed, read_document
from trayalert.callbacks.alertmanager import KIND_SPEC
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import Alert, State
from trayalert.domain.incident.level import Level
from trayalert.domain.wording.language import Language

ENTRY: dict[str, Any] = ARMS["alerts"][0]


def group(*entries: dict[str, Any], **around: object) -> tuple[Alert, ...]:
    return read_callback(callback(as_json({**ARMS, "alerts": list(entries), **around})))


def prometheus(number: int, status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return an entry as an ordinary Prometheus sends it."""
    return {
        "status": status,
        "labels": {"alertname": "HostDown", "instance": f"10.0.0.{number}:9100", "severity": "critical", **labels},
        "annotations": {"summary": "Host is down", "description": "for 5 minutes"},
        "startsAt": "2026-11-23T07:00:00Z",
        "endsAt": "2026-11-23T07:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": f"f{number}",
    }


def test_an_alert_of_arms_is_read_field_by_field() -> None:
    alert = read_document(ARMS)

    assert (alert.kind, alert.state, alert.level) == ("alertmanager", State.ALERT, Level.WARN)
    assert (alert.at, alert.name, alert.rule_id) == (1_613_978_295_578, "PodRestart", "3927051")
    assert (alert.value, alert.value_text) == (15.521240234375, "15.521240234375")
    assert (alert.region, alert.account_id, alert.namespace) == ("cn-hangzhou", "1131971000000001", "acs_k8s")
    assert (alert.resource_id, alert.resource_name) == ("c0123456789abcdef0123456789abcdef", "prod")
    assert alert.message == "Pod web-7d4b restarts"
    assert alert.links == {"alert": "https://alerts.console.aliyun.com/#/alarm/alert/detail/2848"}
    assert alert.dimensions == {"clusterId": alert.resource_id, **ENTRY["labels"]}


def test_each_entry_of_any_prometheus_is_an_alert_with_a_state_of_its_own() -> None:
    firing, over = group(prometheus(1), prometheus(2, "resolved"), status="firing")

    assert (firing.state, firing.level, firing.at) == (State.ALERT, Level.CRITICAL, 1_795_417_200_000)
    assert (over.state, over.at) == (State.OK, 1_795_419_000_000)
    assert (firing.resource_id, firing.address) == ("10.0.0.1:9100", "10.0.0.1")
    assert firing.message == "Host is down\nfor 5 minutes"
    assert firing.key != over.key
    assert firing.fields == over.fields


def test_fingerprint_start_and_status_are_the_identity_and_the_fingerprint_is_the_key() -> None:
    (fired,), (again,), (over,), (anew,) = (
        group(prometheus(1)),
        group(prometheus(1) | {"annotations": {"value": "9"}}, receiver="another"),
        group(prometheus(1, "resolved")),
        group(prometheus(1) | {"startsAt": "2026-11-24T07:00:00Z"}),
    )

    assert fired.identity == again.identity
    assert len({fired.identity, over.identity, anew.identity}) == 3
    assert fired.key == over.key == anew.key


def test_with_no_fingerprint_the_labels_are_one_in_any_order() -> None:
    entry = prometheus(1) | {"fingerprint": None}
    turned = entry | {"labels": dict(reversed(entry["labels"].items()))}
    (one,), (same,), (other,) = group(entry), group(turned), group(entry | {"labels": {"alertname": "x"}})

    assert one.key == same.key != other.key
    assert one.identity == same.identity


def test_entries_with_no_start_are_told_apart() -> None:
    first, second = group({"labels": {"a": "1"}}, {"labels": {"a": "2"}})

    assert first.identity != second.identity
    assert not first.identity.timed


@pytest.mark.parametrize(
    ("annotations", "value", "unit"),
    [
        ({"value": "97.4%"}, 97.4, "%"),
        ({"value": "15 ms"}, 15.0, "ms"),
        ({"_aliyun_arms_alert_now_value": "3", "value": "2"}, 3.0, None),
        ({"current_value": "1e3"}, 1000.0, None),
        ({"value": "many"}, None, None),
        ({}, None, None),
    ],
)
def test_the_value_is_read_from_the_annotations(annotations: dict[str, str], value: float, unit: str) -> None:
    (alert,) = group(prometheus(1) | {"annotations": annotations})

    assert (alert.value, alert.unit) == (value, unit)


def test_the_one_value_of_grafana_is_read_and_several_are_not_guessed() -> None:
    (one,) = group(prometheus(1) | {"values": {"B": 44.2}})
    (several,) = group(prometheus(1) | {"values": {"B": 44.2, "C": 1}, "valueString": "[ var='B' value=44.2 ]"})
    (none,) = group(prometheus(1) | {"values": None})

    assert (one.value, several.value, several.value_text, none.value) == (44.2, None, "[ var='B' value=44.2 ]", None)


def test_other_templates_of_arms_are_read() -> None:
    (alert,) = read_callback(
        callback(
            as_json(
                {
                    "alarmId": "2848", "level": "P1", "startTime": "2026-11-23T07:00:00+08:00",
                    "dispatchRuleName": "shop", "alerts": [{"labels": {"alertname": "X"}, "status": "firing"}],
                }
            )
        )
    )  # fmt: skip

    assert (alert.kind, alert.name, alert.level, alert.at) == (
        "alertmanager", "X", Level.CRITICAL, 1_795_388_400_000
    )  # fmt: skip


def test_what_the_sender_cut_off_is_said() -> None:
    firing, cut = group(prometheus(1), truncatedAlerts=7)

    assert firing.name == "HostDown"
    assert (cut.name, cut.state, cut.level) == ("7 more alerts of this group are not shown", State.ALERT, Level.WARN)
    assert (cut.one_off, cut.only_closes) == (True, False)


NO_MORE_AT_ONCE = "The sender sends no more at once (max_alerts), or the callback holds over 500."
OTHERS_UNKNOWN = "The alerts of this group that were shown have resolved; whether the others have is not known."


@pytest.mark.parametrize(
    ("hidden", "status", "name", "message"),
    [
        (1, "firing", "1 more alert of this group is not shown", NO_MORE_AT_ONCE),
        (7, "firing", "7 more alerts of this group are not shown", NO_MORE_AT_ONCE),
        (1, "resolved", "1 more alert of this group was not shown", f"{OTHERS_UNKNOWN} {NO_MORE_AT_ONCE}"),
        (7, "resolved", "7 more alerts of this group were not shown", f"{OTHERS_UNKNOWN} {NO_MORE_AT_ONCE}"),
        (0, "resolved", "No more alerts of this group are hidden", None),
    ],
)
def test_what_is_said_about_hidden_alerts_is_known_again_when_it_is_shown(
    hidden: int, status: str, name: str, message: str | None
) -> None:
    assert KIND_SPEC.name_text
    assert KIND_SPEC.message_text
    shown, cut = group(prometheus(1, status), truncatedAlerts=hidden, status=status)
    stored = replace(cut, name=name, message=message)

    assert stored == cut
    assert KIND_SPEC.name_text(stored.name, Language.EN) == name
    assert KIND_SPEC.message_text(stored, Language.EN) == message
    assert KIND_SPEC.name_text(shown.name, Language.EN) is None
    assert KIND_SPEC.message_text(shown, Language.EN) is None
    assert KIND_SPEC.message_text(replace(stored, message="Disk full"), Language.EN) is None


@pytest.mark.parametrize(
    "around",
    [
        {"truncatedAlerts": 0},
        {"groupLabels": {"alertname": "X"}},
        {"groupKey": "g"},
        {"groupKey": "g", "truncatedAlerts": None},
        {"groupKey": "g", "truncatedAlerts": 23, "status": "resolved"},
    ],
)
def test_a_group_with_nothing_hidden_closes_only_what_told_of_hidden_ones(around: dict[str, Any]) -> None:
    _, cut = group(prometheus(1), **(around | {"status": "firing", "truncatedAlerts": 7}))
    _, over = group(prometheus(1), **around)

    assert (over.state, over.level, over.only_closes, over.one_off) == (State.OK, Level.OK, True, False)
    assert over.key == cut.key


@pytest.mark.parametrize("around", [{"groupKey": "h"}, {"receiver": "y"}, {"groupLabels": {"alertname": "Y"}}])
def test_the_end_of_another_group_is_none(around: dict[str, Any]) -> None:
    named = {"groupKey": "g", "receiver": "x", "groupLabels": {"alertname": "X"}}
    _, cut = group(prometheus(1), **named, truncatedAlerts=7)
    _, over = group(prometheus(1), **(named | around))

    assert over.key != cut.key


def test_a_body_that_names_no_group_ends_none() -> None:
    assert len(group(prometheus(1))) == 1
    assert len(group(prometheus(1), status="resolved")) == 1


def test_a_group_with_no_entry_is_an_alert_of_its_common_labels() -> None:
    (alert,) = group(commonLabels={"alertname": "X", "severity": "P1"}, status="firing")

    assert (alert.kind, alert.name, alert.level) == ("alertmanager", "X", Level.CRITICAL)


def test_a_product_is_told_by_the_id_of_its_instance() -> None:
    (alert,) = group(prometheus(1, instanceId="rm-1", regionId="cn-beijing"))

    assert (alert.namespace, alert.resource_id, alert.region) == ("acs_rds", "rm-1", "cn-beijing")


def test_a_pod_is_where_it_burns_and_not_who_measured_it() -> None:
    (alert,) = group(prometheus(1, pod="web-7d4b", namespace="shop"))

    assert (alert.resource_id, alert.address) == ("web-7d4b", "10.0.0.1")


def test_the_word_null_before_arms_message_is_left_out() -> None:
    (alert,) = group(prometheus(1) | {"annotations": {"_aliyun_arms_alert_message": "null\nlost"}})

    assert alert.message == "lost"


def test_five_hundred_entries_are_as_many_alerts_and_what_is_beyond_is_said() -> None:
    alerts = group(*(prometheus(number) for number in range(500)))
    more = group(*(prometheus(number) for number in range(1000)), truncatedAlerts=1)

    assert len({alert.identity for alert in alerts}) == 500
    assert [alert.name for alert in more[500:]] == ["501 more alerts of this group are not shown"]


def test_the_group_names_what_has_no_name() -> None:
    document = changed(ARMS, commonLabels={}, groupLabels={"alertname": "G"})
    document["alerts"][0]["labels"].pop("alertname")

    assert read_document(document).name == "G"


def test_an_entry_with_no_labels_of_its_own_has_an_end() -> None:
    flat = {"alertname": "a", "pod": "p", "status": "firing", "startTime": "2022-01-19 17:10:31", "value": "3"}
    (fired,), (over,) = group(flat), group(flat | {"status": "resolved", "endTime": "2022-01-19 17:20:31", "value": 1})

    assert (fired.key, fired.dimensions) == (over.key, {"alertname": "a", "pod": "p"})
    assert (fired.state, over.state) == (State.ALERT, State.OK)


def test_another_end_of_the_same_beginning_is_no_retry() -> None:
    one, other = (prometheus(1, "resolved") | {"endsAt": f"2026-11-24T0{hour}:00:00Z"} for hour in (7, 8))

    assert group(one)[0].identity != group(other)[0].identity


@pytest.mark.parametrize(
    ("alertname", "annotations", "message"),
    [
        ("DatasourceError", {"Error": "[sse.dataQueryError] timeout", "summary": "s"}, "[sse.dataQueryError] timeout"),
        ("DatasourceNoData", {"summary": "No orders"}, "No orders"),
        ("DatasourceNoData", {}, "DatasourceNoData"),
    ],
)
def test_a_rule_of_grafana_that_cannot_be_evaluated_is_told_by_its_own_name(
    alertname: str, annotations: dict[str, str], message: str
) -> None:
    labels = {"alertname": alertname, "rulename": "Orders per minute", "ref_id": "A"}
    (alert,) = group({"labels": labels, "annotations": annotations})
    (nameless,) = group({"labels": {"alertname": alertname}})
    (other,) = group({"labels": {"alertname": "X", "rulename": "Y"}, "annotations": {"error": "e", "summary": "s"}})

    assert (alert.name, alert.message) == ("Orders per minute", message)
    assert nameless.name == alertname
    assert (other.name, other.message) == ("X", "s")


@pytest.mark.parametrize(
    ("labels", "around", "level"),
    [
        ({"severity": "team-a", "level": "page"}, {}, Level.CRITICAL),
        ({"severity": "3", "priority": "P1"}, {}, Level.CRITICAL),
        ({"severity": "none", "priority": "P1"}, {}, Level.INFO),
        ({"severity": "?"}, {"annotations": {"severity": "disaster"}}, Level.CRITICAL),
        ({}, {"severity": "notice"}, Level.INFO),
        ({"severity": "ok"}, {}, Level.WARN),
        ({"severity": "ok", "level": "fatal"}, {}, Level.CRITICAL),
        ({"severity": "?"}, {}, Level.WARN),
    ],
)
def test_a_level_that_is_not_known_leaves_the_next_field_to_tell_it(
    labels: dict[str, str], around: dict[str, object], level: Level
) -> None:
    entry = {"status": "firing", "labels": {"alertname": "X", **labels}, **around}

    assert read_document({"status": "firing", "alerts": [entry]}).level is level
