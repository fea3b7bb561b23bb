"""The commands of the control socket: their bytes stay the same, and anything else is refused in a sentence."""

import contextlib
import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.app.control.control_protocol import (
    AddSecret,
    BackUpLog,
    Command,
    ControlFault,
    GetStatus,
    KeepSecrets,
    ProbeReachability,
    RemoveSecret,
    ReparseSome,
    ResolveIncident,
    RotateSecret,
    ShowWindow,
    VerifyLog,
    decode_command,
    encode_command,
)
from trayalert.app.control.control_replies import REPLIES

WIRE: list[tuple[Command, bytes]] = [
    (GetStatus(), b'{"do": "status"}\n'),
    (RotateSecret(grace=86_400_000, name=None), b'{"do": "rotate", "grace": 86400000, "name": null}\n'),
    (RotateSecret(grace=0, name="grafana"), b'{"do": "rotate", "grace": 0, "name": "grafana"}\n'),
    (AddSecret("grafana"), b'{"do": "add secret", "name": "grafana"}\n'),
    (RemoveSecret("grafana"), b'{"do": "remove secret", "name": "grafana"}\n'),
    (RemoveSecret("\u4e91"), b'{"do": "remove secret", "name": "\\u4e91"}\n'),
    (KeepSecrets(), b'{"do": "keep secrets"}\n'),
    (VerifyLog(), b'{"do": "verify"}\n'),
    (ProbeReachability(), b'{"do": "probe"}\n'),
    (ResolveIncident(17), b'{"do": "resolve", "id": 17}\n'),
    (ReparseSome(anew=True), b'{"do": "reparse", "anew": true}\n'),
    (ReparseSome(anew=False), b'{"do": "reparse", "anew": false}\n'),
    (BackUpLog(), b'{"do": "backup"}\n'),
    (ShowWindow(), b'{"do": "show"}\n'),
    (ShowWindow("setup"), b'{"do": "show", "what": "setup"}\n'),
]

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    str: st.text(),
    str | None: st.none() | st.text(),
}
COMMANDS = st.sampled_from(list(REPLIES)).flatmap(
    lambda each: st.builds(each, **{field.name: VALUES[field.type] for field in fields(each)})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NO_ID = "'resolve' with this 'id', which must be a whole number of at most 63 bits"
KEYS = ["grace", "name", "id", "anew", "what"]


@pytest.mark.parametrize(("command", "line"), WIRE)
def test_the_bytes_of_a_command_stay_as_they_are(command: Command, line: bytes) -> None:
    assert encode_command(command) == line
    assert decode_command(line, REPLIES) == command


def test_the_bytes_of_each_command_are_checked() -> None:
    assert {type(command) for command, _ in WIRE} == set(REPLIES)
    assert len({command.do for command in REPLIES}) == len(REPLIES)


def test_a_command_cannot_be_changed() -> None:
    for command, _ in WIRE:
        for name in ("do", *(each.name for each in fields(command))):
            with pytest.raises((AttributeError, TypeError)):
                setattr(command, name, "x")


@given(COMMANDS)
def test_what_is_encoded_is_decoded_as_the_same_command(command: Command) -> None:
    assert decode_command(encode_command(command), REPLIES) == command


@given(st.sampled_from([each.do for each in REPLIES]) | JSON, st.dictionaries(st.sampled_from(KEYS) | st.text(), JSON))
def test_values_of_any_type_are_a_command_or_refused(do: Any, values: dict[str, Any]) -> None:
    try:
        command = decode_command(json.dumps({**values, "do": do}).encode(), REPLIES)
    except ControlFault:
        return
    types: dict[str, Any] = {each.name: each.type for each in fields(command)}
    assert command.do == do
    assert values.keys() <= types.keys()
    assert all(isinstance(getattr(command, name), types[name]) for name in types)


@given(st.binary() | st.sampled_from([line for _, line in WIRE]).flatmap(lambda line: st.permutations(line).map(bytes)))
def test_bytes_of_any_kind_are_a_command_or_refused(line: bytes) -> None:
    with contextlib.suppress(ControlFault):
        assert type(decode_command(line, REPLIES)) in REPLIES


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        (b"\n", "None"),
        (b"nonsense\n", "None"),
        (b"\xff\xfe\n", "None"),
        (b"[" * 5000, "None"),
        (b"[]\n", "None"),
        (b'"status"\n', "None"),
        (b"{}\n", "None"),
        (b'{"do": "dance"}\n', "'dance'"),
        (b'{"do": ["status"]}\n', "['status']"),
        (b'{"do": "status", "colour": "green"}\n', "'colour' of 'status'"),
        (b'{"do": "resolve", "id": 1, "note": "x"}\n', "'note' of 'resolve'"),
        (b'{"do": "resolve"}\n', NO_ID),
        (b'{"do": "resolve", "id": "1"}\n', NO_ID),
        (b'{"do": "resolve", "id": true}\n', NO_ID),
        (b'{"do": "resolve", "id": 1.0}\n', NO_ID),
        (b'{"do": "resolve", "id": 9223372036854775808}\n', NO_ID),
        (b'{"do": "reparse", "anew": 1}\n', "'reparse' with this 'anew', which must be true or false"),
        (b'{"do": "reparse"}\n', "'reparse' with this 'anew', which must be true or false"),
        (b'{"do": "add secret", "name": null}\n', "'add secret' with this 'name', which must be text"),
        (b'{"do": "rotate", "grace": 0, "name": 7}\n', "'rotate' with this 'name', which must be text or null"),
        (b'{"do": "show", "what": null}\n', "'show' with this 'what', which must be text"),
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused_with_what_is_wrong_and_where(line: bytes, unknown: str) -> None:
    with pytest.raises(ControlFault) as refused:
        decode_command(line, REPLIES)

    assert str(refused.value) == f"the running trayalert does not know {unknown}; it may be older: restart it"


def test_a_value_that_an_older_process_leaves_out_is_the_default() -> None:
    assert decode_command(b'{"do": "rotate", "grace": 5}', REPLIES) == RotateSecret(grace=5, name=None)
    assert decode_command(b'{"do": "show"}', REPLIES) == ShowWindow("window")
