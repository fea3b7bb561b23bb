"""The grammar of `dimensions`, by itself and in bodies that are written in each possible way."""

import json

import pytest

from tests.callbacks.bodies import bare, changed, document, form, read
from trayalert.callbacks.parsing.dimensions import read_dimensions
from trayalert.callbacks.parsing.identity import canonical

I = {"instanceId": "i-1"}  # noqa: E741  # short, as it appears in forty rows


@pytest.mark.parametrize(
    ("text", "dimensions"),
    [
        # Java's Map.toString()
        ("{userId=1, instanceId=i-1}", {"userId": "1"} | I),
        ("{instanceId=i-1, userId=1}", {"userId": "1"} | I),
        ("{userId=1, device=/dev/vda1, instanceId=i-1}", {"userId": "1", "device": "/dev/vda1"} | I),
        ("{instanceId=i-1}", I),
        ("{}", {}),
        (" {instanceId=i-1} ", I),
        ("{instanceId=}", {"instanceId": ""}),
        # a misprint in the documents
        ("{userId=12****), instanceId=i-12****}", {"userId": "12****)", "instanceId": "i-12****"}),
        # values that contain the separators of the grammar
        ("{url=http://a/?b=1&c=2, instanceId=i-1}", {"url": "http://a/?b=1&c=2"} | I),
        ("{url=http://a/?b=1,2&c={3}, instanceId=i-1}", {"url": "http://a/?b=1,2&c={3}"} | I),
        ("{topic=a, b and c, instanceId=i-1}", {"topic": "a, b and c"} | I),
        ("{topic=a,b=c, instanceId=i-1}", {"topic": "a,b=c"} | I),
        ("{instanceId=i-1, state=}}", I | {"state": "}"}),
        ("{instanceId=i-1, state={a=b}}", I | {"state": "{a=b}"}),
        ("{processName=java -Dx=y -jar a.jar, instanceId=i-1}", {"processName": "java -Dx=y -jar a.jar"} | I),
        ("{processName=nginx: worker, process, instanceId=i-1}", {"processName": "nginx: worker, process"} | I),
        ("{mountpoint=C:\\, instanceId=i-1}", {"mountpoint": "C:\\"} | I),
        ("{domain=*.example.com, 实例=店}", {"domain": "*.example.com", "实例": "店"}),
        # a Java map has no name twice: the second `b=` belongs to the value before it
        ("{topic=a, b=1, b=2, instanceId=i-1}", {"topic": "a", "b": "1, b=2"} | I),
        # truncated, or not quite a map
        ("{instanceId=i-1", I),
        ("instanceId=i-1}", {"instanceId": "i-1}"}),
        ("{junk, instanceId=i-1}", I),
        # JSON, of 2018 and later
        ('[{"userId":"1","instanceId":"i-1"}]', {"userId": "1"} | I),
        ('[{"userId":"1"},{"instanceId":"i-1"}]', {"userId": "1"} | I),
        ('{"instanceId":"i-1"}', I),
        (' { "instanceId" : "i-1" } ', I),
        ('{"instanceId":"i-1","port":10080,"ssl":true,"zone":null,"x":["a"]}',
         I | {"port": "10080", "ssl": "true", "x": '["a"]'}),
        ('{"instanceId":"a\\u4e2d, b=c}"}', {"instanceId": "a中, b=c}"}),
        ('{"instanceId":"\\ud800"}', {"instanceId": "?"}),
        ("[]", {}),
        ("[{}]", {}),
        # without braces
        ("instanceId=i-1", I),
        ("userId=1,instanceId=i-1", {"userId": "1"} | I),
        ("云服务器名称=店,云服务器实例ID=i-1,IP=10.0.0.1,mountpoint=/mnt",
         {"云服务器名称": "店", "云服务器实例ID": "i-1", "IP": "10.0.0.1", "mountpoint": "/mnt"}),
        ("userId=1, instanceId=i-1", {"userId": "1"} | I),
        # empty or without content
        ("", {}),
        (None, {}),
        ("null", {}),
        ("{", {}),
        ("}", {}),
        ("=", {}),
        ("{=x}", {}),
        (", , ,", {}),
    ],
)  # fmt: skip
def test_dimensions_are_read_in_every_form(text: str | None, dimensions: dict[str, str]) -> None:
    assert read_dimensions(text) == dimensions


@pytest.mark.parametrize(
    "text",
    [
        "{url=http://a/?b=1&c=2, instanceId=i-1}",
        "{url=http://a/?b={1}&c=2, instanceId=i-1}",
        "{url=http://a/?b={1&c=2}, instanceId=i-1}",
        "{url=http://a/?b=}&c=2, instanceId=i-1}",
        "{url=http://a/?b={&c=2, instanceId=i-1}",
        "{url=http://a/?b=1&unit=2&namespace=3&c, instanceId=i-1}",
        "{url=http://a/{b, instanceId=i-1}",
        "{instanceId=i-1, url=http://a/?b&c&d}",
        '[{"instanceId":"i-1","url":"http://a/?b=1&c=2"}]',
        '{"instanceId":"i-1","url":"http://a/?b=1&c=2"}',
    ],
)
@pytest.mark.parametrize("later", [{}, {"customLabels": "{k1=v1&v2, k2=v3}", "newField": "a b"}])
def test_urls_in_dimensions_come_through_encoded_and_not(text: str, later: dict[str, str]) -> None:
    fields = {"dimensions": text} | changed(dimensions=text, unit="%") | later

    for body in (form(fields), bare(fields), document(fields)):
        alert = read(body)
        assert alert.fields == fields
        assert alert.resource_id == "i-1"
        assert alert.dimensions["url"].startswith("http://a/")


def test_dimensions_may_be_real_json_inside_a_json_body() -> None:
    parts = {"userId": "1", "instanceId": "i-1", "port": 80}

    for value in (parts, [parts]):
        alert = read(document(changed() | {"dimensions": value}))
        assert alert.dimensions == {"userId": "1", "instanceId": "i-1", "port": "80"}
        assert json.loads(alert.fields["dimensions"])


def test_canonical_dimensions_are_sorted_and_without_the_account() -> None:
    one = canonical(read_dimensions("{userId=1, device=/dev/vda1, instanceId=i-1}"))
    other = canonical(read_dimensions('[{"instanceId":"i-1","device":"/dev/vda1","userId":"2","uid":"3"}]'))

    assert one == other == [("device", "/dev/vda1"), ("instanceId", "i-1")]
