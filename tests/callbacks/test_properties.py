"""Properties that hold for every callback, whatever it contains and whoever wrote it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.callbacks.bodies import FULL, Writer, bare, callback, changed, document, form, read
from trayalert.callbacks.kinds import read_callback
from trayalert.callbacks.parsing.dimensions import read_dimensions
from trayalert.callbacks.parsing.identity import canonical
from trayalert.domain.incident.alert import TEST, Alert

MARKUP = "".join(sorted(set('&=%+{}[]",:\\ \n\r\t\x00\ufeff\u2028\ud800\udfff中😀nulOKaé')))
texts = st.text(st.sampled_from(MARKUP) | st.characters(exclude_categories=[]), max_size=30)
sound_texts = st.text(st.sampled_from(MARKUP) | st.characters(exclude_categories=["Cs"]), max_size=30).map(
    lambda text: "".join(char for char in text if not "\ud800" <= char <= "\udfff")
)
names = st.sampled_from([*FULL, "Curvalue", "extra"]) | texts
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Generate a real body with some bytes changed, removed or inserted."""
    write = draw(st.sampled_from([form, bare, document]))
    body = bytearray(write(FULL))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        body[start : start + draw(st.integers(0, 20))] = draw(st.binary(max_size=4) | texts.map(as_bytes))
    return bytes(body)


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


bodies = (
    st.binary(max_size=80)
    | texts.map(as_bytes)
    | damaged()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(names, json_values).map(lambda fields: json.dumps(fields).encode())
    | st.lists(st.tuples(names, texts)).map(
        lambda pairs: as_bytes("&".join(f"{name}={value}" for name, value in pairs))
    )
)


def held_texts(value: object) -> Iterator[str]:
    """Yield all texts of an alert, including those in its mappings."""
    match value:
        case str():
            yield value
        case Mapping():
            for pair in value.items():
                yield from (text for part in pair for text in held_texts(part))
        case _:
            for name in getattr(type(value), "__annotations__", {}):
                yield from held_texts(getattr(value, name))


def assert_sound(alert: Alert, connection: sqlite3.Connection) -> None:
    found = list(held_texts(alert))
    assert len(found) >= 4  # at least identity, key, subject and kind
    for text in found:
        assert connection.execute("SELECT ?", (str(text),)).fetchone() == (str(text),)
    line = json.dumps([dict(alert.fields), dict(alert.dimensions), alert.value, alert.at], allow_nan=False)
    assert json.loads(line)[0] == alert.fields
    assert connection.execute("SELECT ?, ?", (alert.value, alert.at)).fetchone() == (alert.value, alert.at)


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    yield made
    made.close()


@given(body=bodies, query=st.just(b"") | bodies, content_type=texts, method=texts)
@example(body=b'{"alertState":"\\ud800","\\udfff":"x"}', query=b"", content_type="", method="")
@example(body=b'{"alertState":"ALERT","dimensions":"{\\"a\\":\\"\\\\ud800\\"}"}', query=b"", content_type="", method="")
@example(body=b'{"alertState":NaN,"curValue":-Infinity,"timestamp":1e400}', query=b"", content_type="", method="")
@example(body=b'{"alertState":"ALERT","curValue":' + b"9" * 5000 + b"}", query=b"", content_type="", method="")
@example(
    body=b'{"alertState":"ALERT","dimensions":' + b"[" * 400 + b"]" * 400 + b"}", query=b"", content_type="", method=""
)
@example(body=b"alertState=ALERT&instanceName=\\ud800\\udfff", query=b"", content_type="", method="")
@example(body=b"alertState=%ED%A0%80&%00=%00&x", query=b"", content_type="", method="")
def test_any_bytes_become_at_least_one_alert_that_can_be_stored_and_shown(
    body: bytes, query: bytes, content_type: str, method: str, connection: sqlite3.Connection
) -> None:
    request = callback(body, query=query, content_type=content_type, method=method)

    alerts = read_callback(request)

    assert alerts
    for alert in alerts:
        assert_sound(alert, connection)
    assert read_callback(request) == alerts
    assert (alerts[0].kind == TEST) == (not body.strip() and not query)


def everything_but_the_order(alert: Alert) -> dict[str, Any]:
    kept = {name: getattr(alert, name) for name in Alert.__annotations__}
    # without a time, the identity depends on the body's text
    return kept if alert.identity.timed else kept | {"identity": None}


@pytest.mark.parametrize("write", [form, bare, document])
@given(data=st.data())
def test_the_order_of_the_fields_does_not_matter(write: Writer, data: st.DataObject) -> None:
    hostile = data.draw(st.sampled_from(["{url=http://a/?b=1&c={2}, instanceId=i}", FULL["dimensions"], "", "i-1"]))
    fields = changed(dimensions=hostile)
    kept = [*data.draw(st.lists(st.sampled_from(list(fields)), unique=True)), "alertState", "unit"]
    one = {name: fields[name] for name in kept}
    other = {name: fields[name] for name in data.draw(st.permutations(list(one)))}

    assert everything_but_the_order(read(write(one))) == everything_but_the_order(read(write(other)))


field_sets = st.dictionaries(sound_texts, sound_texts, min_size=1, max_size=6)


@given(fields=field_sets, known=st.dictionaries(st.sampled_from(list(FULL)), sound_texts), plus=st.booleans())
def test_properly_encoded_fields_come_back_whatever_they_hold(
    fields: dict[str, str], known: dict[str, str], *, plus: bool
) -> None:
    fields |= known
    coded = quote_plus if plus else quote
    body = "&".join(f"{coded(name, safe='')}={coded(value, safe='')}" for name, value in fields.items())

    assert read(body.encode()).fields == fields
    assert read(query=body.encode()).fields == fields


@given(fields=st.dictionaries(sound_texts, sound_texts))
def test_the_quick_way_of_reading_a_form_reads_what_the_lenient_one_does(fields: dict[str, str]) -> None:
    body = form({"alertState": "ALERT"} | fields)

    # the ampersand at the end makes the body improper, so the lenient parser reads it
    assert read(body).fields == read(body + b"&").fields


@given(fields=st.dictionaries(texts, texts, min_size=1))
def test_json_texts_come_back_but_for_lone_surrogates(fields: dict[str, str]) -> None:
    sound = {
        name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for name, value in fields.items()
    }

    assert read(json.dumps(fields).encode()).fields == sound


keys = st.text(st.sampled_from("abcDEF中_-.:/") | st.characters(categories=["L", "N"]), min_size=1, max_size=8)
# a value must not contain `, key=`
values = sound_texts.map(str.strip).filter(lambda text: "=" not in text.partition(", ")[2])
maps = st.dictionaries(keys, values, max_size=5)


def java(dimensions: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in dimensions.items()) + "}"


@given(dimensions=maps)
def test_a_java_map_comes_back_whatever_its_values_hold(dimensions: dict[str, str]) -> None:
    assert read_dimensions(java(dimensions)) == dimensions


@given(dimensions=maps)
def test_dimensions_as_json_come_back(dimensions: dict[str, str]) -> None:
    assert read_dimensions(json.dumps(dimensions)) == dimensions
    assert read_dimensions(json.dumps([dimensions], ensure_ascii=False)) == dimensions


@given(dimensions=maps, data=st.data())
def test_canonical_dimensions_do_not_know_the_order(dimensions: dict[str, str], data: st.DataObject) -> None:
    other = {name: dimensions[name] for name in data.draw(st.permutations(list(dimensions)))}

    assert canonical(read_dimensions(java(dimensions))) == canonical(read_dimensions(java(other)))


parts = st.fixed_dictionaries({
    "userId": st.sampled_from(["1", "2", "null"]),
    "ruleId": st.sampled_from(["r", "s", 'r","', "r\n", "R"]),
    "dimensions": st.sampled_from(["{a=1, b=2}", "{b=2, a=1}", '[{"a":"1, b=2"}]', "{a=1}", "", "x"]),
    "rawMetricName": st.sampled_from(["m", "m\nthreshold", "", "r"]),
    "alertState": st.sampled_from(["ALERT", "OK", "INSUFFICIENT_DATA"]),
    "triggerLevel": st.sampled_from(["WARN", "WARNING", "CRITICAL", "null"]),
    "timestamp": st.sampled_from(["1685614196", "1685614196000", "1685614196001"]),
    "signature": st.sampled_from(["a", "b"]),
    "curValue": st.sampled_from(["1", "2"]),
})  # fmt: skip


@given(one=parts, other=parts)
def test_two_alerts_are_one_only_where_all_that_names_them_is_equal(one: dict[str, str], other: dict[str, str]) -> None:
    def naming(alert: Alert) -> tuple[Any, ...]:
        return (
            alert.account_id, alert.rule_id, canonical(alert.dimensions) or alert.fields["dimensions"], alert.metric,
            alert.state, alert.level, alert.at,
        )  # fmt: skip

    first, second = read(form(one)), read(form(other))

    assert (first.identity == second.identity) == (naming(first) == naming(second))
