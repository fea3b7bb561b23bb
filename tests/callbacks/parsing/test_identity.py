"""Which deliveries are retries of one alert, and which incident an alert belongs to."""

import pytest

from tests.callbacks.bodies import FULL, Writer, bare, changed, document, form, read, read_form, without
from trayalert.domain.incident.incident import UNRECOGNISED_KEY

# each of these makes another alert
DIFFERENCES = {
    "userId": "1900000000000011",
    "ruleId": "another-rule",
    "dimensions": "{userId=1900000000000010, device=/dev/vdb1, instanceId=i-bp1example00000010aa}",
    "rawMetricName": "cpu_total",
    "alertState": "OK",
    "triggerLevel": "INFO",
    "timestamp": "1685614196422",
}
# a change of any of these makes no other alert
SAME = {
    "signature": "sdV4ERHYT3s/5FoIUuWXWM16h+U=",
    "lastTime": "5天",
    "alertName": "renamed",
    "instanceName": "renamed/10.0.0.15",
    "curValue": "98",
    "metricName": "another title",
    "regionName": "null",
    "transId": "another",
    "newField": "",
}


@pytest.mark.parametrize("write", [form, bare, document])
@pytest.mark.parametrize("fields", [FULL, without("ruleId"), without("timestamp"), {"alertState": "ALERT"}])
def test_an_exact_retry_is_the_same_alert(write: Writer, fields: dict[str, str]) -> None:
    assert read(write(fields)).identity == read(write(fields)).identity


@pytest.mark.parametrize("write", [form, bare, document])
@pytest.mark.parametrize("fields", [FULL, without("ruleId"), without("timestamp"), {"hello": "w", "signature": "s"}])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_retry_that_is_signed_anew_is_the_same_alert(write: Writer, fields: dict[str, str], place: str) -> None:
    def signed(signature: str) -> bytes:
        rest = [(name, value) for name, value in fields.items() if name != "signature"]
        at = {"first": 0, "middle": len(rest) // 2, "last": len(rest)}[place]
        return write(dict([*rest[:at], ("signature", signature), *rest[at:]]))

    assert (
        read(signed("sdV4ERHYT3s/5FoIUuWXWM16h+U=")).identity == read(signed("t8QUUg0U+SpQIZzl7ITSELzeIU8=")).identity
    )


def test_a_retry_by_get_that_is_signed_anew_is_the_same_alert() -> None:
    one, other = (
        read(query=form(without("ruleId") | {"signature": text, "unit": "%"}), method="GET") for text in ("a=", "b=")
    )

    assert one.identity == other.identity
    assert one.identity != read(query=form(without("ruleId", "unit")), method="GET").identity


def test_only_a_field_named_signature_is_left_out_of_the_text() -> None:
    one, other = (read(form({"hello": "w", "mysignature": text})) for text in ("a", "b"))

    assert one.identity != other.identity


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_in_one_part_is_another_alert(name: str) -> None:
    assert read_form(changed(**{name: DIFFERENCES[name]})).identity != read_form(FULL).identity


def test_all_the_differences_make_different_alerts() -> None:
    texts = {read_form(changed(**{name: value})).identity.text for name, value in DIFFERENCES.items()}

    assert len(texts) == len(DIFFERENCES)


@pytest.mark.parametrize("name", SAME)
def test_what_differs_in_nothing_that_matters_is_the_same_alert(name: str) -> None:
    assert read_form(changed(**{name: SAME[name]})).identity == read_form(FULL).identity


def test_the_way_of_writing_makes_no_other_alert() -> None:
    writings = [
        form(FULL),
        bare(FULL),
        document(FULL),
        form(dict(reversed(FULL.items()))),
        form(changed(dimensions="{instanceId=i-bp1example00000010aa, userId=1900000000000010, device=/dev/vda1}")),
        form(changed(dimensions='[{"device":"/dev/vda1","instanceId":"i-bp1example00000010aa"}]')),
    ]

    assert len({read(writing).identity for writing in writings}) == 1
    assert len({read(writing).subject for writing in writings}) == 1


def test_seconds_and_milliseconds_of_one_moment_are_the_same_alert() -> None:
    assert read_form(changed(timestamp="1685614196")).identity == read_form(changed(timestamp="1685614196000")).identity


@pytest.mark.parametrize("absent", ["", "null"])
@pytest.mark.parametrize("name", ["ruleId", "timestamp"])
def test_without_rule_or_time_the_text_is_the_identity(name: str, absent: str) -> None:
    alert = read_form(changed(**{name: absent}))

    assert not alert.identity.timed
    assert alert.identity.text
    assert alert.identity != read_form(changed(**{name: absent, "curValue": "98"})).identity


def test_with_rule_and_time_the_identity_is_timed() -> None:
    assert read_form(FULL).identity.timed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # parts must not run into each other
        (changed(ruleId="a", rawMetricName="b"), changed(ruleId="ab", rawMetricName="")),
        (changed(ruleId='a","b'), changed(ruleId="a")),
        (changed(rawMetricName="m\nthreshold"), changed(rawMetricName="m")),
        (changed(dimensions="{a=1, b=2}"), changed(dimensions='[{"a":"1, b=2"}]')),
        # unreadable dimensions still distinguish two resources
        (changed(dimensions="i-1"), changed(dimensions="i-2")),
        (changed(dimensions="{instanceId=i, ssl=true}"), changed(dimensions='{"instanceId":"i","ssl":false}')),
        # two resources that have names but no dimensions must not become one
        (changed(dimensions="", instanceName="web-01"), changed(dimensions="", instanceName="web-02")),
        (
            changed(dimensions="{userId=1}", instanceName="web-01"),
            changed(dimensions="{userId=1}", instanceName="web-02"),
        ),
    ],
)
def test_two_that_are_not_the_same_have_neither_identity_nor_subject_in_common(
    one: dict[str, str], other: dict[str, str]
) -> None:
    first, second = read_form(one), read_form(other)

    assert first.identity != second.identity
    if one.get("rawMetricName") == other.get("rawMetricName"):
        assert first.subject != second.subject


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alertName", "renamed"), ("instanceName", "renamed"), ("curValue", "1"), ("lastTime", "1 minute"),
        ("triggerLevel", "OK"), ("alertState", "OK"), ("timestamp", "1685614196422"), ("expression", "$Average>1"),
        ("dimensions", "{device=/dev/vda1, instanceId=i-bp1example00000010aa}"), ("regionId", "null"),
    ],
)  # fmt: skip
def test_what_changes_on_the_way_to_recovery_changes_neither_key_nor_subject(name: str, value: str) -> None:
    for fields in (FULL, without("transId")):
        before, after = read_form(fields), read_form(fields | {name: value})
        assert (before.key, before.subject) == (after.key, after.subject)


@pytest.mark.parametrize("name", ["userId", "ruleId", "dimensions"])
def test_another_account_rule_or_resource_is_another_subject(name: str) -> None:
    assert read_form(changed(**{name: DIFFERENCES[name]})).subject != read_form(FULL).subject


def test_rules_without_an_id_are_told_apart_by_name_so_that_one_recovery_does_not_close_both() -> None:
    # Bodies of 2018 carry no ruleId. Only the name then distinguishes two rules of one metric.
    one, other = (read_form(without("ruleId", "transId") | {"alertName": name}) for name in ("CPU 80", "CPU 95"))

    assert one.subject != other.subject


@pytest.mark.parametrize(("name", "value"), [("namespace", "acs_rds"), ("rawMetricName", "memory_used")])
def test_rules_without_an_id_are_told_apart_by_namespace_and_metric(name: str, value: str) -> None:
    without_id = without("ruleId", "transId")

    assert read_form(without_id | {name: value}).subject != read_form(without_id).subject


@pytest.mark.parametrize("dimensions", ["{userId=1, uid=2}", "{uid=2, userId=1}", "{userId=1}"])
def test_dimensions_that_name_only_the_account_name_no_resource(dimensions: str) -> None:
    plain = read_form(changed(dimensions=""))

    assert read_form(changed(dimensions=dimensions)).subject == plain.subject


def test_a_key_is_short_and_unlike_any_subject() -> None:
    for trans_id in ("x" * 60_000, UNRECOGNISED_KEY):
        alert = read_form(changed(transId=trans_id))
        assert len(alert.key) <= 400
        assert alert.key != trans_id
        assert alert.key == read_form(changed(transId=trans_id, alertState="OK")).key

    long = [read_form(changed(ruleId="x" * 60_000 + end)) for end in "ab"]
    assert long[0].subject != long[1].subject
    assert all(len(alert.subject) <= 400 for alert in long)


def test_a_test_is_equal_to_none() -> None:
    assert read(b"").identity.text == ""
