"""Simple Log Service: times in seconds, numbers as levels, and templates without a recovery."""

import json

import pytest

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import SLS, as_form, changed, read_document
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import State
from trayalert.domain.incident.level import Level


def test_an_alert_is_read_field_by_field() -> None:
    alert = read_document(SLS)

    assert (alert.kind, alert.state, alert.level) == ("sls", State.ALERT, Level.CRITICAL)
    assert (alert.at, alert.name, alert.rule_id) == (1_616_744_734_000, "错误日志太多", "alert-1617164106-940166")
    assert (alert.namespace, alert.region, alert.account_id) == ("acs_sls", "cn-hangzhou", "1179186349530001")
    assert (alert.resource_id, alert.dimensions) == (
        "my-project", {"env": "prod", "project": "my-project", "logstore": "nginx"}
    )  # fmt: skip
    assert (alert.value, alert.expression) == (3.0, "Count:[3] > 0")
    assert alert.message == "Too many errors\n836 in 5 minutes"
    assert alert.links.keys() == {"query", "rule"}
    assert not alert.one_off


def test_firing_and_resolved_are_one_incident() -> None:
    fired = read_document(SLS)
    over = read_document(changed(SLS, status="resolved", resolve_time=1616745034, alert_instance_id="another"))

    assert (over.state, over.at) == (State.OK, 1_616_745_034_000)
    assert fired.key == over.key
    assert fired.identity != over.identity
    assert fired.key != read_document(changed(SLS, fingerprint="another")).key


def test_without_a_fingerprint_the_labels_tell_incidents_apart() -> None:
    first = changed(SLS, fingerprint=None)

    assert read_document(first).key == read_document(changed(first, alert_time=1)).key
    assert read_document(first).key != read_document(changed(first, labels={"env": "test"})).key


def test_the_next_evaluation_is_another_alert_and_a_retry_is_not() -> None:
    assert read_document(SLS).identity == read_document(changed(SLS, alert_url=None)).identity
    assert read_document(SLS).identity != read_document(changed(SLS, alert_time=1616745034)).identity


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (10, Level.CRITICAL), ("8", Level.CRITICAL), (6, Level.WARN), (4, Level.INFO), (2, Level.INFO),
        (-99, Level.WARN), ("Critical", Level.CRITICAL), (None, Level.WARN),
    ],
)  # fmt: skip
def test_numbers_are_levels(severity: object, level: Level) -> None:
    assert read_document(changed(SLS, severity=severity)).level is level


def test_a_level_that_is_not_known_leaves_the_labels_to_tell_it() -> None:
    assert read_document(changed(SLS, severity="?", labels={"severity": "page"})).level is Level.CRITICAL
    assert read_document(changed(SLS, severity="ok", annotations={"severity": "8"})).level is Level.CRITICAL


def test_a_legacy_alert_never_recovers_so_it_closes_by_itself() -> None:
    alert = read_document(
        {
            "Uid": "117", "Project": "my-project", "AlertID": "0fdd", "AlertDisplayName": "Errors",
            "Condition": "[5] > 1", "FireTime": "2021-01-02 15:04:05", "FullResultUrl": "https://sls.console.aliyun.com/",
            "Results": [{"LogStore": "nginx", "FireResult": None, "RawResultCount": 2}],
        }
    )  # fmt: skip

    assert (alert.kind, alert.name, alert.state, alert.one_off) == ("sls", "Errors", State.ALERT, True)
    assert (alert.at, alert.rule_id, alert.links) == (None, "0fdd", {"query": "https://sls.console.aliyun.com/"})


def test_a_query_of_five_kilobytes_is_read() -> None:
    document = changed(SLS, fire_results=[{"host": f"host-{number}", "pv": "836"} for number in range(70)])
    query = as_form(document)
    (alert,) = read_callback(callback(query=query, method="GET"))

    assert 5000 < len(query) < 8000
    assert (alert.kind, alert.key) == ("sls", read_document(SLS).key)


def test_a_link_with_a_token_is_not_taken() -> None:
    assert "signin" not in str(read_document(changed(SLS, signin_url="https://signin.aliyun.com/?t=1")).links)


def test_an_end_with_no_results_closes_what_had_some() -> None:
    template = changed(SLS, fingerprint=None)  # the default template of 2021 had no fingerprint
    over = changed(template, status="resolved", results=[], fire_results=[], resolve_time=1616744999)

    assert read_document(over).key == read_document(template).key


def test_two_groups_that_fire_at_once_and_have_no_labels_are_two_alerts() -> None:
    template = changed(SLS, fingerprint=None, labels=None)

    assert read_document(template).identity != read_document(changed(template, alert_instance_id="other")).identity


def test_a_merged_send_of_texts_is_a_list_of_alerts() -> None:
    texts = [json.dumps(SLS), json.dumps(changed(SLS, alert_id="other"))]

    assert [alert.kind for alert in read_callback(callback(json.dumps(texts).encode()))] == ["sls", "sls"]
