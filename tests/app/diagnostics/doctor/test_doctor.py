"""`trayalert doctor`: each check reports the facts, changes nothing, and does not depend on the other checks."""

import asyncio
import os
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.app.doctor_samples import BARE, LOOKUPS, NAMES, OPEN, examine_one, examine_some, running_instance
from tests.program import DEADLINE, post, run, serving, wait_for
from trayalert.app.diagnostics.doctor import storage_checks
from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, ok
from trayalert.app.diagnostics.doctor.doctor import LIMIT, doctor_record, examine
from trayalert.app.diagnostics.doctor.storage_checks import check_versions
from trayalert.app.platform.places import find_places
from trayalert.domain.check_result import Verdict
from trayalert.services.maintenance.log_check import check_data_dir


def lying_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the mode and the modification time of each file, except those that SQLite makes when it reads a log."""
    found = {}
    for path in folder.rglob("*"):
        if not path.name.endswith(("-wal", "-shm")):
            found[str(path)] = (path.lstat().st_mode, path.lstat().st_mtime_ns)
    return found


def doctor(data_dir: Path, *arguments: str, **changes: str | None) -> tuple[int, dict[str, dict[str, str]]]:
    done = run("doctor", "--json", *arguments, data_dir=data_dir, **{**BARE, **changes})
    assert done.err == ""
    (found,) = done.objects
    assert [check["name"] for check in found["checks"]] == NAMES
    assert found["ok"] is (done.status == 0)
    return done.status, {check["name"]: check for check in found["checks"]}


def test_before_anything_ran_it_says_what_is_missing_and_makes_nothing(tmp_path: Path) -> None:
    status, found = doctor(tmp_path / "data")

    assert status == 0
    assert not (tmp_path / "data").exists()
    for name in ("screen", "tray", "notifications", "session bus", "listener", "public probe"):
        assert found[name]["verdict"] == "warn", name
        assert found[name]["do"], name
    assert found["limits"]["verdict"] == "ok"
    assert found["log"]["said"] == "there is none yet."

    lines = run("doctor", data_dir=tmp_path / "data", **BARE).lines
    assert lines[0].startswith("warn  screen         there is no screen")
    assert lines[1].startswith(" " * 21 + "Run trayalert inside")


def test_beside_a_running_serve_no_desktop_is_missed_and_nothing_is_changed(tmp_path: Path) -> None:
    with serving(tmp_path / "data", **BARE) as serve:
        assert post(serve.url, b"alertName=x&alertState=ALERT") == 200
        access_log = serve.data_dir / "access.log"
        # wait, as the line of the access log may be written after the answer
        wait_for(lambda: access_log.exists() and access_log.read_text())
        before = lying_in(serve.data_dir)
        status, found = doctor(serve.data_dir)
        assert lying_in(serve.data_dir) == before

    assert status == 0
    assert {found[name]["verdict"] for name in NAMES[:11]} == {"ok"}
    assert "not needed" in found["screen"]["said"]
    assert serve.address in found["listener"]["said"]
    assert "held by the running trayalert" in found["port"]["said"]
    assert "1 alerts" in found["log"]["said"]
    assert found["public probe"]["verdict"] == "warn"
    assert "trayalert setup" in found["public probe"]["do"]


def test_of_a_long_log_it_says_that_not_all_of_it_was_read(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        assert post(serve.url, b"alertName=x&alertState=ALERT") == 200
    assert "each as it was written" in examine_one(tmp_path, "log")[1]
    looked_at_all = threading.Event()

    def take_long(path: Path, **more: Any) -> dict[str, Any]:
        looked_at_all.wait(DEADLINE)
        return check_data_dir(path, **more)

    check = partial(storage_checks.log, patience=0.0, check=take_long)
    (found,) = examine(find_places(str(tmp_path / "data")), LOOKUPS, checks=[("log", check, LIMIT)])
    looked_at_all.set()
    assert (found.verdict, "with 1 alerts" in found.said, "trayalert check" in found.said) == ("ok", True, True)


def test_a_callback_of_tomorrow_and_a_row_that_was_changed_are_told(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        assert post(serve.url, b"alertName=x&alertState=ALERT") == 200
    with closing(sqlite3.connect(tmp_path / "data" / "trayalert.db")) as log, log:
        log.execute("UPDATE delivery SET received_at = received_at + 86400000")
    verdict, message, advice = examine_one(tmp_path, "clock")
    assert (verdict, "clock is wrong" in message, bool(advice)) == ("fail", True, True)
    verdict, message, advice = examine_one(tmp_path, "log")  # the row no longer matches its digest
    assert (verdict, "not what was written" in message, "trayalert restore" in advice) == ("fail", True, True)


def test_broken_settings_and_a_damaged_log_cost_no_other_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "settings.toml").write_text("port = [")
    (data_dir / "trayalert.db").write_bytes(b"no database" * 1000)
    (data_dir / "secrets.json").write_text("{")
    (data_dir / "secrets.json").chmod(0o644)

    status, found = doctor(data_dir)

    assert status == 1
    assert (found["log"]["verdict"], found["keyring"]["verdict"], found["listener"]["verdict"]) == (
        "fail",
        "fail",
        "warn",
    )
    assert "settings have a problem" in found["listener"]["said"]
    assert found["keyring"]["do"] == f"chmod go= {data_dir / 'secrets.json'}"
    assert (data_dir / "secrets.json").read_text() == "{"


def test_a_line_that_hangs_or_fails_takes_no_other_along(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    never = threading.Event()

    def broken(_: CheckContext) -> CheckResult:
        raise KeyError("secret-detail")

    def hanging(_: CheckContext) -> CheckResult:
        never.wait(60)
        return ok("late")

    lines = [("hangs", hanging, 0.2), ("breaks", broken, 5.0), ("works", lambda _: ok("fine."), 5.0)]
    hangs, breaks, works = examine(find_places(str(tmp_path)), LOOKUPS, checks=lines)
    never.set()

    assert (hangs.verdict, breaks.verdict, works.verdict) == ("fail", "fail", "ok")
    assert "no answer within 0.2 s" in hangs.said
    assert "KeyError" in breaks.said
    assert "secret-detail" not in breaks.said
    assert "secret-detail" in caplog.text
    assert not doctor_record((hangs, works))["ok"]
    assert doctor_record((works,))["ok"]


def test_a_port_that_is_taken_names_who_has_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        verdict, message, advice = examine_one(tmp_path, "port", settings=f"port = {port}")
        assert verdict == "fail"
        assert f"(process {os.getpid()})" in message
        assert advice
    assert examine_one(tmp_path, "port", settings=f"port = {port}")[0] == "ok"


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "ok", "http://127.0.0.1:8765 (tray, process 4711)"),
        ({"note": "the new certificate cannot be used."}, "warn", "the new certificate"),
        ({"open": False, "problem": "port 8765 is taken. End it."}, "fail", "port 8765 is taken"),
    ],
)
def test_the_listener_is_as_the_running_instance_says(
    tmp_path: Path, changes: dict[str, Any], verdict: str, words: str
) -> None:
    with running_instance(tmp_path, replace(OPEN, listener=replace(OPEN.listener, **changes)), {}) as places:
        found, message, _ = examine_one(tmp_path, "listener", places=places)
    assert found == verdict
    assert words in message


def _accept(listening: socket.socket) -> None:
    listening.accept()[0].close()


def test_an_instance_that_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    places = find_places(str(tmp_path / "data"))
    places.make()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(places.socket))
        silent.listen()
        threading.Thread(target=_accept, args=(silent,), daemon=True).start()
        verdict, message, _ = examine_one(tmp_path, "listener", places=places)
    assert verdict == "fail"
    assert "did not answer" in message


@contextmanager
def bus(monkeypatch: pytest.MonkeyPatch, *names: str, answers: bool = True) -> Iterator[None]:
    """Run a private session bus with a program that owns these names. The program answers calls only if `answers`."""
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout
        address = daemon.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        loop = asyncio.new_event_loop()
        there = loop.run_until_complete(_somebody(address, names, answers=answers))
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(there.disconnect)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            daemon.terminate()


async def _somebody(address: str, names: tuple[str, ...], *, answers: bool) -> MessageBus:
    replies: dict[str, tuple[str, list[Any]]] = {
        "GetServerInformation": ("ssss", ["shower", "a maker", "1.2", "1.2"]),
        "GetCapabilities": ("as", [["body", "persistence"]]),
        "Get": ("v", [Variant("b", True)]),
    }

    def reply(message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL or message.member not in replies:
            return False
        return Message.new_method_return(message, *replies[message.member]) if answers else True

    there = await MessageBus(bus_address=address).connect()
    there.add_message_handler(reply)
    for name in names:
        await there.request_name(name)
    return there


WATCHER, NOTIFIER = "org.kde.StatusNotifierWatcher", "org.freedesktop.Notifications"


def test_who_is_on_the_session_bus_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "none-here")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    lines = ("tray", "notifications", "session bus", "keyring")
    with bus(monkeypatch, WATCHER, NOTIFIER, "org.freedesktop.secrets"):
        found = examine_some(tmp_path, *lines)
    assert {check.verdict for check in found.values()} == {Verdict.OK}
    assert (
        "shower 1.2 (a maker) shows body, persistence. It lacks something: no buttons." in found["notifications"].said
    )
    assert "A keyring is there." in found["keyring"].said

    with bus(monkeypatch):
        found = examine_some(tmp_path, *lines)
    assert (found["session bus"].verdict, found["tray"].verdict) == ("ok", "warn")
    assert "gnome-shell-extension-appindicator" in (found["tray"].do or "")
    assert found["notifications"].verdict == "warn" or "starts" in found["notifications"].said


def test_a_notification_daemon_that_hangs_is_told_and_costs_no_other_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bus(monkeypatch, NOTIFIER, answers=False):
        found = examine_some(tmp_path, "notifications", "session bus")
    assert found["session bus"].verdict == "ok"
    assert found["notifications"].verdict == "warn"
    assert "no answer over the session bus" in found["notifications"].said


@pytest.mark.parametrize(
    ("versions", "verdict"),
    [
        ({"Python": "3.11.7", "aiohttp": "3.14.5", "PySide6-Essentials": "6.11.3"}, "ok"),
        ({"Python": "3.11.7", "aiohttp": "3.14.3"}, "fail"),
        ({"Python": "3.11.7", "PySide6-Essentials": "6.12.0"}, "warn"),
        ({"Python": "3.12.1", "PySide6-Essentials": "6.12.0"}, "ok"),
        ({"Python": "3.11.7"}, "ok"),
    ],
)
def test_versions_that_are_known_to_be_bad_are_told(versions: dict[str, str], verdict: str) -> None:
    assert check_versions(versions).verdict == verdict


def test_a_change_in_the_data_dir_would_be_seen(tmp_path: Path) -> None:
    """This negative control shows that `lying_in` notices a change."""
    (tmp_path / "secrets.json").write_text("{}")
    before = lying_in(tmp_path)
    (tmp_path / "secrets.json").chmod(0o640)
    assert lying_in(tmp_path) != before
