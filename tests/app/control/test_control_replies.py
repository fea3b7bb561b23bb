"""The control socket of a running instance: what it replies to each command, and how a command is added."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

import click
import pytest
from click.testing import CliRunner, Result

from tests.program import DEADLINE, ServeProcess, post, serving
from trayalert.app.control.control_protocol import (
    AddSecret,
    BackUpLog,
    Command,
    GetStatus,
    KeepSecrets,
    ProbeReachability,
    RemoveSecret,
    ReparseSome,
    Reply,
    ResolveIncident,
    RotateSecret,
    ShowWindow,
    VerifyLog,
    ask,
)
from trayalert.app.control.control_replies import REPLIES
from trayalert.app.control.control_server import Replies, open_control
from trayalert.app.platform.places import Places, find_places
from trayalert.cli.command_base import data_dir_option, find_own_places
from trayalert.cli.instance_access import carry_out
from trayalert.domain.fault import Fault
from trayalert.domain.phrase import decode_phrases


def reply_to(running: ServeProcess, command: Command) -> Reply:
    reply = ask(find_places(str(running.data_dir)).socket, command)
    assert reply is not None
    return reply


def reply_to_line(path: Path, line: bytes) -> Reply:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(path))
        client.sendall(line)
        with client.makefile("rb") as lines:
            reply: Reply = decode_phrases(json.loads(lines.readline()))
    return reply


def names(data_dir: Path) -> list[str]:
    return [secret["name"] for secret in json.loads((data_dir / "secrets.json").read_text())["secrets"]]


def test_a_running_instance_replies_to_each_command(tmp_path: Path) -> None:
    replied = set()

    def reply(command: Command) -> Reply:
        replied.add(type(command))
        return reply_to(running, command)

    with serving(tmp_path) as running:
        assert post(running.url, b"alertName=x&alertState=ALERT") == 200
        first = running.secret

        status = reply(GetStatus())["running"]
        assert (status["front"], status["pid"], status["door"]["open"]) == ("serve", running.process.pid, True)

        assert reply(AddSecret("grafana")) == {"done": True}
        assert names(tmp_path) == ["default", "grafana"]
        assert reply(RotateSecret(grace=0, name=None)) == {"done": True}
        assert running.secret != first
        assert reply(RotateSecret(grace=60_000, name="grafana")) == {"done": True}
        assert names(tmp_path) == ["default", "grafana", "grafana"]
        assert reply(RemoveSecret("grafana")) == {"done": True}
        (tmp_path / "secrets.json").unlink()
        assert reply(KeepSecrets()) == {"done": True}
        assert names(tmp_path) == ["default"]

        assert reply(VerifyLog()) == {"done": True}
        assert reply(ProbeReachability())["reach"]["reach"] == "unknown"
        assert [reply(ResolveIncident(1)) for _ in range(2)] == [{"done": True}, {"done": False}]
        assert reply(ReparseSome(anew=True))["done"]["finished"] is True
        assert Path(reply(BackUpLog())["done"]).is_file()
        assert [reply(ShowWindow(what)) for what in ("window", "setup")] == [{"done": False}] * 2

    assert replied == set(REPLIES)


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        (b"nonsense\n", "None"),
        (b'{"do": "dance"}\n', "'dance'"),
        (b'{"do": "resolve", "id": 1, "note": "x"}\n', "'note' of 'resolve'"),
        (b'{"do": "reparse"}\n', "'reparse' with this 'anew', which must be true or false"),
    ],
)
def test_what_is_no_command_gets_a_sentence(tmp_path: Path, line: bytes, unknown: str) -> None:
    with serving(tmp_path):
        error = f"the running trayalert does not know {unknown}; it may be older: restart it"
        assert reply_to_line(tmp_path / "control.sock", line) == {"error": error}
        assert not list(tmp_path.glob("backups/*"))


def test_a_secret_that_cannot_be_changed_is_a_sentence_of_the_reply(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        refused = [reply_to(running, command) for command in (RemoveSecret("default"), AddSecret("a b"))]

    assert [str(reply["error"])[:28] for reply in refused] == [
        '"default" is the only secret',
        '"a b" is no name for a secre',
    ]


def test_each_reply_takes_the_command_that_it_is_for() -> None:
    for command, reply in REPLIES.items():
        assert next(iter(get_type_hints(reply).values())) is command


# ---- an example of a new command: a dataclass, the instance's reply to it, and a function of the command line


@dataclass(frozen=True, slots=True)
class Acknowledge(Command):
    do: ClassVar[str] = "ack"
    id: int
    note: str | None = None


class Acknowledged(dict[int, str | None]):
    """Stands in for the receiver: maps the ids of acknowledged incidents to their notes."""


async def acknowledge(command: Acknowledge, acknowledged: Acknowledged) -> Reply:
    if command.id == 13:
        raise Fault("there is no incident 13.")
    if command.id == 14:
        raise ZeroDivisionError("a bug of ours")
    acknowledged[command.id] = command.note
    return {"done": len(acknowledged)}


@click.command()
@data_dir_option
@click.argument("number", type=int)
@click.option("--note")
def ack(number: int, note: str | None) -> None:
    places = find_own_places()
    count = carry_out(places, Acknowledge(number, note), offline=lambda: f"no instance, but {places.lock.exists()}")
    click.echo(f"acknowledged: {count}")


@asynccontextmanager
async def instance(places: Places, acknowledged: Acknowledged) -> AsyncIterator[None]:
    replies: Replies[Any] = {**REPLIES, Acknowledge: acknowledge}
    server = await open_control(places.socket, replies, acknowledged)
    assert server
    async with server:
        yield


async def run_ack(places: Places, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, ack, ["--data-dir", str(places.data_dir), *arguments])


async def test_a_new_command_is_carried_out_by_the_running_instance(tmp_path: Path) -> None:
    places, acknowledged = find_places(str(tmp_path)), Acknowledged()
    async with instance(places, acknowledged):
        done = await run_ack(places, "7", "--note", "on it")
        again = await run_ack(places, "8")
        line = await asyncio.to_thread(reply_to_line, places.socket, b'{"do": "ack", "id": "9"}\n')

    assert (done.exit_code, done.output, again.output) == (0, "acknowledged: 1\n", "acknowledged: 2\n")
    assert acknowledged == {7: "on it", 8: None}
    assert "'ack' with this 'id', which must be a whole number" in line["error"]


async def test_a_new_command_is_carried_out_without_an_instance(tmp_path: Path) -> None:
    done = await run_ack(find_places(str(tmp_path)), "7")

    assert (done.exit_code, done.output) == (0, "acknowledged: no instance, but True\n")


async def test_what_a_new_command_cannot_do_is_told_in_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = find_places(str(tmp_path))
    async with instance(places, Acknowledged()):
        refused = await run_ack(places, "13")
        assert caplog.records == []
        failed = await run_ack(places, "14")

    assert (refused.exit_code, refused.stderr) == (1, "trayalert: there is no incident 13.\n")
    assert (failed.exit_code, failed.stderr) == (1, "trayalert: a bug of ours\n")
    (record,) = caplog.records
    assert record.exc_info  # an unexpected exception is logged with its traceback


async def test_an_older_instance_does_not_know_a_new_command(tmp_path: Path) -> None:
    places = find_places(str(tmp_path))
    older: Replies[Any] = REPLIES
    server = await open_control(places.socket, older, None)
    assert server
    async with server:
        refused = await run_ack(places, "7")

    sentence = "trayalert: the running trayalert does not know 'ack'; it may be older: restart it\n"
    assert (refused.exit_code, refused.stderr) == (1, sentence)
