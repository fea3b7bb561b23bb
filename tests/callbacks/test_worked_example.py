"""The kind of callback that CONTRIBUTING.md adds as an example works exactly as it is printed there."""

import json
import re
import shutil
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import CARRIERS
from tests.program import ServeProcess, serving
from tests.storage.making import keep_raw, reading
from trayalert.callbacks.kinds import KINDS, read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import UNRECOGNISED, Alert, State
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.writer import Writer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
DOWN = {"monitor": "shop", "url": "https://shop.example.com", "up": False, "checked_at": 1795417200}
UP = DOWN | {"up": True, "checked_at": 1795417260}

ROBOT = '''"""A kind that uses the fields of KindSpec for texts, which the uptime monitor needs none of."""

from trayalert.callbacks.parsing.identity import text_identity
from trayalert.callbacks.kind_spec import KindSpec
from trayalert.domain.incident.alert import Alert, Kind, State
from trayalert.domain.incident.level import Level
from trayalert.domain.wording.component import ComponentWords


def read(body):
    if "robot" not in body.fields:
        return None
    return (Alert(
        kind=Kind("robot"), identity=text_identity(body.callback), key="r", subject="r", state=State.ALERT,
        level=Level.WARN, name=body.fields["fault"], resource_id=body.fields["robot"], dimensions=body.fields,
        fields=body.fields,
    ),)


KIND_SPEC = KindSpec(
    kind=Kind("robot"),
    read=read,
    component_words=ComponentWords({"arm": "device"}),
    name_text=lambda name, language: {"E1": "Arm is stuck"}.get(name),
    message_text=lambda alert, language: f"Robot {alert.fields['robot']} needs a person",
)
'''


def source_of_uptime() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@pytest.fixture(scope="module")
def uptime() -> types.ModuleType:
    module = types.ModuleType("uptime")
    exec(compile(source_of_uptime(), "CONTRIBUTING.md", "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module")
def changed_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the program and two more kinds, each added by a file, a line and an import."""
    folder = tmp_path_factory.mktemp("program")
    shutil.copytree(ROOT / "trayalert", folder / "trayalert", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "resources").symlink_to(ROOT / "resources")
    callbacks = folder / "trayalert" / "callbacks"
    kinds = (callbacks / "kinds.py").read_text()
    for name, source in (("uptime", source_of_uptime()), ("robot", ROBOT)):
        (callbacks / f"{name}.py").write_text(source)
        kinds = re.sub(r"^(KINDS: .*= \()$", rf"\1\n    {name}.KIND_SPEC,", kinds, flags=re.MULTILINE)
        kinds = kinds.replace("from trayalert.callbacks import ", f"from trayalert.callbacks import {name}, ", 1)
    (callbacks / "kinds.py").write_text(kinds)
    return folder


@pytest.fixture
def serve(changed_program: Path, tmp_path: Path) -> Iterator[ServeProcess]:
    with serving(tmp_path / "data", PYTHONPATH=str(changed_program), PYTHONSAFEPATH="1", LC_ALL="C.UTF-8") as running:
        yield running


@pytest.mark.parametrize("carrier", ["POST JSON", "POST FORM"])
def test_the_program_with_its_file_and_its_line_reads_stamps_and_ends_it(
    serve: ServeProcess, tmp_path: Path, carrier: str
) -> None:
    body = tmp_path / "down"
    body.write_bytes(CARRIERS[carrier](DOWN).body)
    sent = [serve.run("send", body), serve.run("send", body)]
    (firing,) = serve.run("incidents", "--json").objects
    sent.append(serve.run("send", "--recover", body))
    (over,) = serve.run("incidents", "--json").objects

    assert [(one.status, one.err) for one in sent] == [(0, "")] * 3
    assert (firing["name"], firing["resource_id"], firing["closed_at"]) == ("shop", "https://shop.example.com", None)
    assert (over["id"], over["closed_by"], over["alerts"]) == (firing["id"], "recovered", 3)
    alerts = serve.run("alerts", "--json").objects
    # `send` stamps the time, so each is a new alert
    assert [(alert["kind"], alert["deliveries"]) for alert in alerts] == [("uptime", 1)] * 3


def test_components_name_and_message_of_a_kind_are_read_from_its_file(serve: ServeProcess, tmp_path: Path) -> None:
    body = tmp_path / "stuck"
    body.write_text(json.dumps({"robot": "r-7", "arm": "left", "fault": "E1"}))
    serve.run("send", body)
    (_, row) = serve.run("incidents").lines
    refused = serve.run("send", "--recover", body)

    assert re.search(r"Arm is stuck +r-7 · left +Robot r-7 needs a person", row), row
    assert (refused.status, refused.out) == (1, "")
    assert "nothing ever ends what this body tells of" in refused.err


@pytest.mark.parametrize("carrier", CARRIERS)
def test_it_is_read_in_every_way_of_sending(uptime: types.ModuleType, carrier: str) -> None:
    down, up = (_read(CARRIERS[carrier](document), uptime) for document in (DOWN, UP))

    assert (down.kind, down.state, up.state) == ("uptime", State.ALERT, State.OK)
    assert (down.name, down.resource_id, down.at) == ("shop", "https://shop.example.com", 1_795_417_200_000)
    assert down.key == up.key
    assert down.identity != up.identity


def _read(one: Callback, uptime: types.ModuleType) -> Alert:
    assert {alert.kind for alert in read_callback(one)} == {UNRECOGNISED}
    (alert,) = read_callback(one, (uptime.KIND_SPEC, *KINDS))
    return alert


def test_it_is_stored_and_folded_with_no_other_change(uptime: types.ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "trayalert.db"
    writing = Writer(log, read=read_callback, keep_raw=keep_raw)
    for document in (DOWN, DOWN, UP):
        one = CARRIERS["POST JSON"](document)
        writing.commit([Append(one, read_callback(one, (uptime.KIND_SPEC, *KINDS)))])
    writing.close()

    with reading(log) as reader:
        assert [(one.alert.kind, one.deliveries) for one in reader.alerts(limit=None, after=0)] == [
            ("uptime", 2), ("uptime", 1)
        ]  # fmt: skip
        (stored,) = reader.every_incident()
        assert (stored.incident.open, stored.incident.alerts) == (False, 2)


def test_no_other_kind_is_taken_for_it(uptime: types.ModuleType) -> None:
    (alert,) = read_callback(callback(b"alertState=ALERT"), (uptime.KIND_SPEC, *KINDS))

    assert alert.kind == "threshold"
