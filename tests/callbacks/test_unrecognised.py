"""A body that no parser reads is shown with its own words, and is not split into false fields."""

import json
from typing import Any

import pytest

from tests.callbacks.bodies import FULL, callback, document, form, read
from tests.callbacks.other_bodies import ARMS, PUSHED, as_json, read_document
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.incident import UNRECOGNISED_KEY


def unread(body: bytes, *, query: bytes = b"") -> Alert:
    alert = read(body, query=query)

    assert (alert.kind, alert.key) == (UNRECOGNISED, UNRECOGNISED_KEY)
    return alert


@pytest.mark.parametrize(
    ("sent", "name", "message"),
    [
        ({"title": "[Alerting] CPU", "state": "alerting", "ruleId": 1, "ruleUrl": "https://g/", "message": "m"},
         "[Alerting] CPU", "m"),
        ({"ruleName": "CPU", "state": "ok", "evalMatches": []}, "CPU", None),
        ({"msgtype": "text", "text": {"content": "disk full"}}, None, "disk full"),
        ({"msgtype": "markdown", "markdown": {"title": "Disk", "text": "### full"}}, "Disk", "### full"),
        ({"msgtype": "markdown", "markdown": {"content": "### full"}}, None, "### full"),
        ({"msg_type": "text", "content": {"text": "disk full"}}, None, "disk full"),
        ({"text": "disk full"}, None, "disk full"),
        ({"attachments": [{"title": "Disk", "text": "full"}, {"text": "other"}]}, "Disk", "full"),
        ({"content": None, "embeds": [{"title": "Disk", "description": "full"}]}, "Disk", "full"),
        ({"@type": "MessageCard", "title": "Disk", "text": "full", "summary": "s"}, "Disk", "full"),
        ({"subject": "Problem", "message": "full", "to": "me"}, "Problem", "full"),
        ({"event": {"title": "Disk", "message": "full"}}, "Disk", "full"),
        ({"title": "Disk", "desp": "full"}, "Disk", "full"),
        ({"heartbeat": {"status": 0}, "monitor": {"name": "web"}, "msg": "web is down"}, None, "web is down"),
        ({"summary": "only this"}, "only this", None),
        ({"attachments": [{"fallback": "disk full", "color": "danger"}]}, None, "disk full"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "disk full"}}]}, None, "disk full"),
        ({"msgtype": "actionCard", "actionCard": {"title": "Disk", "text": "full"}}, "Disk", "full"),
        ({"msgtype": "news", "news": {"articles": [{"title": "Disk", "description": "full"}]}}, "Disk", "full"),
        ({"msg_type": "interactive", "card": {"header": {"title": {"tag": "plain_text", "content": "Disk"}},
          "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "full"}}]}}, "Disk", "full"),
        ({"msg_type": "post", "content": {"post": {"zh_cn": {"title": "Disk",
          "content": [[{"tag": "text", "text": "full"}]]}}}}, "Disk", "full"),
        ({"type": "message", "attachments": [{"contentType": "card", "content": {"body": [{"text": "full"}]}}]}, None,
         "full"),
        ({"@type": "MessageCard", "summary": "Disk", "sections": [{"text": "full"}]}, "Disk", "full"),
        ({"sender": {"name": "bob"}, "issue": {"title": "Disk", "body": "full"}}, "Disk", "full"),
        ({"title": ["no text"], "message": {"a": {"b": "c"}}}, None, None),
        ({"title": True, "message": ""}, "true", None),
        ({"nobody": "knows"}, None, None),
    ],
)  # fmt: skip
def test_title_and_text_are_shown(sent: dict[str, Any], name: str | None, message: str | None) -> None:
    alert = unread(document(sent))

    assert (alert.name, alert.message) == (name, message)
    assert alert.fields.keys() == sent.keys()


def test_a_forms_title_and_text_are_shown_too() -> None:
    alert = unread(b"title=Disk+full&message=on+web-01")

    assert (alert.name, alert.message) == ("Disk full", "on web-01")


def test_of_a_list_the_first_that_nobody_reads_is_shown() -> None:
    *_, alert = read_callback(callback(json.dumps([FULL, {"title": "Disk"}, {"title": "other"}]).encode()))

    assert (alert.kind, alert.name) == (UNRECOGNISED, "Disk")


def test_no_text_of_a_stranger_becomes_endless() -> None:
    alert = unread(document({"title": "t" * 99_999, "text": "x" * 99_999}))

    assert (len(alert.name or ""), len(alert.message or "")) == (300, 4_000)


@pytest.mark.parametrize(
    ("body", "name", "message"),
    [
        (b'<?xml version="1.0"?><alert><title>R&amp;D = down</title><message>a=1&amp;b=2</message></alert>',
         "R&D = down", "a=1&b=2"),
        (b"<alert a='1&2=3'><text>full</text></alert>", None, "full"),
        (b'<soap:Envelope xmlns:soap="http://x?a=1&amp;b=2"><m:description>down</m:description></soap:Envelope>',
         None, "down"),
        (b"<event><title><![CDATA[disk]]></title></event>", "disk", None),
        (b"<a><title>\n<![CDATA[R&D <b>]]>\n</title><text><![CDATA[a=1&amp;b]]></text></a>", "R&D <b>", "a=1&amp;b"),
        (b"<a><title><![CDATA[never closed</title><text>full</text></a>", None, "full"),
        (b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway", None),
        (b"<a href='?x=1&y=2", None, None),
    ],
)  # fmt: skip
def test_xml_is_one_text(body: bytes, name: str | None, message: str | None) -> None:
    alert = unread(body)

    assert alert.fields == {"xml": body.decode()}
    assert (alert.name, alert.message) == (name, message)


@pytest.mark.parametrize(
    "text",
    [
        "Disk is full on web-01: used=95% & rising, see http://x/?a=1&b=2",
        "CPU=95% & rising",
        "http://grafana/d/1?a=1&b=2",
        "hello",
        "a line\nanother = line & more",
        '{"title": "broken", "url": "http://x/?a=1&b=2"',
        "[Alerting] CPU=95&host=web",
        "R&D",
    ],
)
def test_prose_is_one_text(text: str) -> None:
    alert = unread(text.encode())

    assert alert.fields == {"text": text}
    assert alert.message == text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"user=me&flag&note=a b", {"user": "me", "flag": "", "note": "a b"}),
        (b"user=me&\nnote=two words", {"user": "me", "\nnote": "two words"}),
        (b"note=R & D&user=me&host=web", {"note": "R ", " D": "", "user": "me", "host": "web"}),
        (b"a%20b=c%20d&e=", {"a b": "c d", "e": ""}),
        (b"=", {"": ""}),
    ],
)
def test_a_form_stays_a_form(body: bytes, fields: dict[str, str]) -> None:
    assert unread(body).fields == fields
    assert unread(b"", query=body).fields == fields


# multipart/form-data
def multipart(*parts: tuple[str, str], end: str = "\r\n", boundary: str = "----WebKitFormBoundary7MA4") -> bytes:
    lines = [
        f'--{boundary}{end}Content-Disposition: form-data; name="{name}"{end}{end}{value}{end}' for name, value in parts
    ]
    return ("".join(lines) + f"--{boundary}--{end}").encode()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_the_parts_of_a_multipart_body_are_fields(end: str) -> None:
    sent = FULL | {"expression": "a=1&b=2", "alertName": 'x; name="y"'}

    assert read(multipart(*sent.items(), end=end)).fields == sent
    assert read(multipart(*sent.items(), end=end)).key == read(form(sent)).key


def test_json_in_a_multipart_body_is_read() -> None:
    for name in ("payload", "anything"):
        (alert,) = read_callback(callback(multipart((name, as_json(ARMS).decode()))))

        assert (alert.kind, alert.key) == ("alertmanager", read_document(ARMS).key)


def test_files_in_a_multipart_body_are_left_alone() -> None:
    file = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a=1&b=2.bin"\r\n\r\n\xff\x00&x=1\r\n'
    alert = unread(file + multipart(("title", "t"), boundary="b"))

    assert (alert.fields, alert.name) == ({"title": "t"}, "t")
    assert unread(file + b"--b--").fields == {}


def test_json_in_a_part_with_no_name_or_in_a_file_is_read() -> None:
    sent = as_json(ARMS)
    unnamed = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/json\r\n\r\n%b\r\n--b--"
    )
    file = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.json"\r\n\r\n%b\r\n'

    for body in (unnamed % sent, file % sent + b"--b--"):
        (alert,) = read_callback(callback(body))
        assert (alert.kind, alert.key) == ("alertmanager", read_document(ARMS).key)
    assert unread(file % sent + multipart(("title", "t"), boundary="b")).fields == {"title": "t"}
    assert unread(unnamed % b"world").message == "hello"


def test_what_only_begins_like_a_multipart_body_is_none() -> None:
    assert unread(b"---\ntitle: a=1&b=2").fields == {"text": "---\ntitle: a=1&b=2"}


# JSON with the irregularities that templates and senders produce
ENTRY = '{"status":"firing","groupKey":"g","alerts":[{"labels":{"alertname":"N"},"annotations":{"message":"%s"}}]}'


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\tb", "a\x01b"])
def test_control_characters_in_json_are_read(text: str) -> None:
    alert, *_ = read_callback(callback((ENTRY % text).encode()))
    inner, *_ = read_callback(callback(b'{"payload":"%s"}' % json.dumps(ENTRY % text)[1:-1].encode()))

    assert (alert.kind, alert.message) == ("alertmanager", text)
    assert inner.message == text


@pytest.mark.parametrize("times", [1, 2])
def test_json_that_is_a_text_of_json_is_read(times: int) -> None:
    text = as_json(ARMS).decode()
    for _ in range(times):
        text = json.dumps(text)
    (alert,) = read_callback(callback(text.encode()))

    assert (alert.kind, alert.key, alert.fields.keys()) == ("alertmanager", read_document(ARMS).key, ARMS.keys())


@pytest.mark.parametrize("name", ["payload", "text", "anything", "告警"])
def test_json_that_is_the_text_of_the_only_field_is_read(name: str) -> None:
    text = as_json(ARMS).decode()
    for body in (document({name: text}), form({name: text}), document({name: json.dumps(text)})):
        (alert,) = read_callback(callback(body))

        assert (alert.kind, alert.key) == ("alertmanager", read_document(ARMS).key)


def test_json_that_says_something_of_its_name_is_no_envelope() -> None:
    assert unread(document({"dimensions": '{"instanceId": "i-1"}'})).fields == {"dimensions": '{"instanceId": "i-1"}'}
    assert read(document({"alert": as_json(PUSHED["alert"]).decode()})).kind == "event"


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n\0", "=", "\n=", " "])
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_json_is_read_in_every_charset_and_with_what_senders_put_behind_it(charset: str, end: str) -> None:
    (alert,) = read_callback(callback((as_json(ARMS).decode() + end).encode(charset)))

    assert (alert.kind, alert.key) == ("alertmanager", read_document(ARMS).key)


@pytest.mark.parametrize("comma", [",", ", ", ",\n"])
def test_commas_that_a_loop_in_a_template_leaves_are_left_out(comma: str) -> None:
    labels = '{"alertname":"a","note":"x,}y"'
    body = f'{{"status":"firing","alerts":[{{"labels":{labels}{comma}}}{comma}}}{comma}]{comma}}}'
    (alert,) = read_callback(callback(body.encode()))

    assert (alert.kind, alert.dimensions) == ("alertmanager", {"alertname": "a", "note": "x,}y"})


def test_a_retry_that_is_signed_anew_is_one_though_it_is_json_in_a_text() -> None:
    def signed(signature: str, times: int) -> bytes:
        text = json.dumps({"alertState": "ALERT", "signature": signature, "alertName": "a"})
        for _ in range(times):
            text = json.dumps(text)
        return text.encode()

    for times in (0, 1, 2):
        assert read(signed("a/b+c=", times)).identity == read(signed("xyz=", times)).identity
        other = signed("xyz=", times).replace(b"ALERT", b"OK")
        assert read(signed("xyz=", times)).identity != read(other).identity
