"""The kind of callback that CONTRIBUTING.md adds as an example works as it stands there."""

import re
import types
from pathlib import Path

import pytest

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import CARRIERS
from tests.storage.making import keep_raw, reading
from trayalert.callbacks.kinds import READERS, read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import UNRECOGNISED, Alert, State
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.writer import Writer

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
DOWN = {"monitor": "shop", "url": "https://shop.example.com", "up": False, "checked_at": 1795417200}
UP = DOWN | {"up": True, "checked_at": 1795417260}


@pytest.fixture(scope="module")
def uptime() -> types.ModuleType:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("uptime")
    exec(compile(code, "CONTRIBUTING.md", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("carrier", CARRIERS)
def test_it_is_read_in_every_way_of_sending(uptime: types.ModuleType, carrier: str) -> None:
    down, up = (_read(CARRIERS[carrier](document), uptime) for document in (DOWN, UP))

    assert (down.kind, down.state, up.state) == ("uptime", State.ALERT, State.OK)
    assert (down.name, down.resource_id, down.at) == ("shop", "https://shop.example.com", 1_795_417_200_000)
    assert down.key == up.key
    assert down.identity != up.identity


def _read(one: Callback, uptime: types.ModuleType) -> Alert:
    assert {alert.kind for alert in read_callback(one)} == {UNRECOGNISED}
    (alert,) = read_callback(one, (uptime.read, *READERS))
    return alert


def test_it_is_stored_and_folded_with_no_other_change(uptime: types.ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "trayalert.db"
    writing = Writer(log, read=read_callback, keep_raw=keep_raw)
    for document in (DOWN, DOWN, UP):
        one = CARRIERS["POST JSON"](document)
        writing.commit([Append(one, read_callback(one, (uptime.read, *READERS)))])
    writing.close()

    with reading(log) as reader:
        assert [(one.alert.kind, one.deliveries) for one in reader.alerts(limit=None, after=0)] == [
            ("uptime", 2), ("uptime", 1)
        ]  # fmt: skip
        (stored,) = reader.every_incident()
        assert (stored.incident.open, stored.incident.alerts) == (False, 2)


def test_no_other_kind_is_taken_for_it(uptime: types.ModuleType) -> None:
    (alert,) = read_callback(callback(b"alertState=ALERT"), (uptime.read, *READERS))

    assert alert.kind == "threshold"
