"""Each kind is recognised by its shape, in whatever way it was sent, and no reader ever raises an exception."""

import json
import random
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.callbacks.bodies import FULL, callback, form, read
from tests.callbacks.other_bodies import ARMS, CARRIERS, CMS2, KINDS, PUSHED, SLS, as_form, as_json, read_document
from trayalert.callbacks import console_test, silence, threshold
from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.kinds import KINDS as ALL_KINDS
from trayalert.callbacks.kinds import READERS, read_callback, spec_of
from trayalert.domain.incident.alert import SILENCE, TEST, UNRECOGNISED, Kind
from trayalert.domain.incident.level import Level

DOCUMENTS = {**KINDS, "threshold": ("threshold", FULL)}


def test_every_kind_that_senders_send_has_bodies_here() -> None:
    kinds = [spec.kind for spec in ALL_KINDS]

    assert len(kinds) == len(set(kinds))
    assert {*kinds} - {TEST, SILENCE} == {kind for kind, _ in DOCUMENTS.values()}


def test_remnants_are_read_after_all_kinds_and_templates_last() -> None:
    assert READERS[:3] == (silence.read, console_test.read, threshold.read)
    assert READERS[:-2] == tuple(spec.read for spec in ALL_KINDS)
    assert READERS[-2:] == (threshold.read_remnant, console_test.read_template)


def test_a_kind_of_another_version_is_as_what_is_unrecognised() -> None:
    assert {spec.kind: spec for spec in ALL_KINDS} == {spec.kind: spec_of(spec.kind) for spec in ALL_KINDS}
    spec = spec_of(Kind("of another version"))
    assert (spec.kind, spec.stamp, spec.name_text, spec.message_text) == (UNRECOGNISED, None, None, None)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_body_says_the_same_in_whatever_way_it_is_sent(name: str, carrier: str) -> None:
    kind, document = DOCUMENTS[name]
    expected = read_document(document)
    (alert,) = read_callback(CARRIERS[carrier](document))

    assert alert.kind == kind
    assert replace(alert, fields=expected.fields) == expected
    assert alert.fields.keys() == document.keys()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_order_of_the_parts_says_nothing(name: str) -> None:
    _, document = DOCUMENTS[name]
    expected = read_document(document)
    for seed in range(20):
        names = list(document)
        random.Random(seed).shuffle(names)
        assert read_document({name: document[name] for name in names}) == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_part_less_is_still_that_kind(name: str) -> None:
    kind, document = DOCUMENTS[name]

    for missing in document:
        (first, *_) = read_callback(callback(as_json({key: part for key, part in document.items() if key != missing})))
        heart = {"event centre": "alert", "alertmanager": "alerts"}.get(name)
        assert first.kind == kind or missing == heart


WRONG: tuple[Any, ...] = (
    None, "", "null", True, -1, 1e308, 10**30, 0.1, [], {}, [[]], [{}], "{", "{}", "[{}]", "\ud800", "中" * 300,
    {"a": {"b": {"c": []}}}, ["x"], 99999999999999999999,
)  # fmt: skip
values = st.sampled_from(WRONG) | st.text(max_size=8) | st.floats() | st.integers()


def _places(part: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(part, dict):
        items = list(part.items())
    elif isinstance(part, list):
        items = list(enumerate(part))
    return [place for key, inner in items for place in ((*path, key), *_places(inner, (*path, key)))]


@given(st.data(), st.sampled_from(sorted(DOCUMENTS)))
def test_wrong_values_and_missing_parts_never_raise_and_lose_nothing(data: st.DataObject, name: str) -> None:
    document = json.loads(json.dumps(DOCUMENTS[name][1]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(_places(document)))
        parent: Any = document
        try:
            for key in place[:-1]:
                parent = parent[key]
            if data.draw(st.booleans()):
                # copied, as the next turn may change what is in the value
                parent[place[-1]] = deepcopy(data.draw(values))
            else:
                del parent[place[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier turn has removed a part above this place
        if not document:
            return
    body = as_form(document) if data.draw(st.booleans()) else as_json(document)

    alerts = read_callback(callback(body))

    assert alerts
    for alert in alerts:
        assert alert.kind == TEST or alert.identity.text
        assert alert.state is None or alert.state != "ALERT" or alert.level is not Level.OK
        assert alert.kind in {TEST, UNRECOGNISED} or alert.state is not None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_reader_that_fails_costs_no_alert(name: str) -> None:
    def fail(_body: object) -> None:
        raise RuntimeError

    failing = KindSpec(kind=Kind("failing"), read=fail)
    (alert,) = read_callback(callback(as_json(DOCUMENTS[name][1])), (failing, *ALL_KINDS))

    assert alert.kind == UNRECOGNISED


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_body_that_was_cut_off_or_is_of_another_charset_is_kept(name: str) -> None:
    whole = as_json(DOCUMENTS[name][1])
    for body in (whole[:-1], whole[: len(whole) // 2], whole.decode().encode("gb18030", "replace"), whole * 2):
        assert read_callback(callback(body))


@pytest.mark.parametrize("deep", ['{"alert":', '{"alerts":[', '{"labels":{"a":', '{"content":"{\\"a\\":'])
def test_deep_nesting_is_kept_as_unrecognised(deep: str) -> None:
    assert read((deep * 6000)[:65000].encode()).kind == UNRECOGNISED


# several alerts in one body
def test_a_list_holds_an_alert_for_each_of_its_objects() -> None:
    several = [SLS, {**SLS, "fingerprint": "x"}, CMS2, PUSHED, FULL, {"nobody": "knows"}]
    alerts = read_callback(callback(as_json(several)))  # type: ignore[arg-type]

    assert [alert.kind for alert in alerts] == ["sls", "sls", "cms2", "event", "threshold", UNRECOGNISED]
    assert len({alert.identity for alert in alerts}) == 6


def test_two_objects_of_a_list_that_name_no_moment_are_two_alerts() -> None:
    first, second = read_callback(
        callback(b'[{"alertState":"ALERT","alertName":"a"},{"alertState":"ALERT","alertName":"b"}]')
    )

    assert first.identity != second.identity


def test_a_list_with_more_than_is_read_says_so() -> None:
    body = b"[" + b",".join(b'{"alertState":"ALERT","alertName":"%d"}' % number for number in range(600)) + b"]"
    alerts = read_callback(callback(body))

    assert [alert.kind for alert in alerts[499:]] == ["threshold", UNRECOGNISED]


def test_what_a_body_says_twice_is_one_alert() -> None:
    twice = {**ARMS, "alerts": ARMS["alerts"] * 2}

    assert len(read_callback(callback(as_json(twice)))) == 1
    assert len(read_callback(callback(json.dumps([ARMS, ARMS]).encode()))) == 1


def test_a_list_of_groups_holds_no_more_alerts_than_are_read_and_says_so() -> None:
    groups = [
        {"receiver": "x", "alerts": [{"labels": {"a": f"{which}-{number}"}} for number in range(400)]}
        for which in range(3)
    ]
    alerts = read_callback(callback(json.dumps(groups).encode()))

    assert len(alerts) == 801
    assert alerts[-1].kind == UNRECOGNISED


@pytest.mark.parametrize("body", [b"[]", b"[1,2]", b'["text"]', b"[[]]", b'[{},"a"]'])
def test_a_list_of_anything_else_is_unrecognised(body: bytes) -> None:
    assert read(body).kind == UNRECOGNISED


# bodies that must not be taken for a kind that they are not
@pytest.mark.parametrize(
    "document",
    [
        {"specversion": "1.0", "type": "mongodb:CloudMonitor:InstanceFailover", "source": "acs.mongodb", "id": "1"},
        {"title": "[Alerting] CPU", "state": "alerting", "ruleId": 1, "ruleUrl": "https://g/", "message": "m"},
        {"msg_type": "text", "content": {"text": "hello"}},
        {"alerts": []},
        {"alerts": "none", "status": "ok"},
        {"alert": "text", "user": "me"},
    ],
)
def test_what_only_looks_like_one_is_unrecognised(document: dict[str, Any]) -> None:
    assert read_document(document).kind == UNRECOGNISED


@pytest.mark.parametrize(
    "body",
    [b"$alertmanager_content", b' "${alertmanager_content}" ', b'{"alerts":$alertmanager_content}',
     b'{"msg_type":"text","content":{"text":"$content"}}'],
)  # fmt: skip
def test_a_template_that_was_not_filled_in_is_a_test(body: bytes) -> None:
    assert read(body).kind == TEST
    assert read(query=b"a=1", body=body).kind == TEST


def test_an_alert_that_quotes_a_template_is_no_test() -> None:
    assert read(form(FULL | {"alertName": "$content $alertmanager_content"})).kind == "threshold"
    assert read_document({**ARMS, "note": "$content"}).kind == "alertmanager"
