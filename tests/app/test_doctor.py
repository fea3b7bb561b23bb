"""`trayalert doctor`: each line tells what is so, changes nothing, and stands alone."""

import asyncio
import http.server
import os
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.listener.certificates import make_pair
from tests.program import post, run, serving
from trayalert.app.clock import now
from trayalert.app.control import open_control
from trayalert.app.doctor import LINES, examine, keeping, outside, record
from trayalert.app.doctor.certificates import not_after
from trayalert.app.doctor.keeping import judged
from trayalert.app.doctor.scene import Found, Outside, Scene, ok
from trayalert.app.places import Places, find_places
from trayalert.domain.check import Check, Verdict
from trayalert.domain.reach import Reach, ReachState
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.status import Door, Running

NAMES = [
    "screen", "tray", "notifications", "session bus", "keyring", "listener", "limits", "port", "tls", "log", "disk",
    "tunnel", "public probe", "dns", "clock", "versions",
]  # fmt: skip
DAY = 24 * 3_600_000
BARE: dict[str, Any] = {
    "DISPLAY": None, "WAYLAND_DISPLAY": None, "DBUS_SESSION_BUS_ADDRESS": None, "XDG_RUNTIME_DIR": None,
    "https_proxy": "http://127.0.0.1:9", "no_proxy": None,
}  # fmt: skip
"""No desktop, and no way out."""

HERE = Outside(
    resolve=lambda _: ("8.8.8.8",),
    expiry=lambda _host, _port: now() + 90 * DAY,
    ahead=lambda _: 0,
    proxied=lambda _: False,
    console=lambda _: "https://console.invalid",
)


def looked(
    tmp_path: Path, *names: str, settings: str = "", beyond: Outside = HERE, places: Places | None = None
) -> dict[str, Check]:
    """Look at some lines only."""
    places = places or find_places(str(tmp_path / "data"))
    if settings:
        places.make()
        places.settings.write_text(settings)
    lines = [line for line in LINES if line[0] in names]
    return {check.name: check for check in examine(places, beyond, lines=lines)}


def told(tmp_path: Path, name: str, **more: Any) -> tuple[Verdict, str, str]:
    check = looked(tmp_path, name, **more)[name]
    return check.verdict, check.said, check.do or ""


def lying_in(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies there, and when it was changed; but for what SQLite puts beside a file that it reads."""
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
    assert "trayalert guide" in found["public probe"]["do"]


def test_of_a_long_log_it_says_that_not_all_of_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "data") as serve:
        assert post(serve.url, b"alertName=x&alertState=ALERT") == 200
    assert "each as it was written" in told(tmp_path, "log")[1]
    monkeypatch.setattr(keeping, "_PATIENCE", 0.0)
    verdict, said, _ = told(tmp_path, "log")
    assert (verdict, "with 1 alerts" in said, "trayalert check" in said) == ("ok", True, True)


def test_a_callback_of_tomorrow_and_a_row_that_was_changed_are_told(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        assert post(serve.url, b"alertName=x&alertState=ALERT") == 200
    with closing(sqlite3.connect(tmp_path / "data" / "trayalert.db")) as log, log:
        log.execute("UPDATE delivery SET received_at = received_at + 86400000")
    verdict, said, do = told(tmp_path, "clock")
    assert (verdict, "clock is wrong" in said, bool(do)) == ("fail", True, True)
    verdict, said, do = told(tmp_path, "log")  # the digest tells that somebody changed it
    assert (verdict, "not what was written" in said, "trayalert restore" in do) == ("fail", True, True)


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

    def broken(_: Scene) -> Found:
        raise KeyError("secret-detail")

    def hanging(_: Scene) -> Found:
        never.wait(60)
        return ok("late")

    lines = [("hangs", hanging, 0.2), ("breaks", broken, 5.0), ("works", lambda _: ok("fine."), 5.0)]
    hangs, breaks, works = examine(find_places(str(tmp_path)), HERE, lines=lines)
    never.set()

    assert (hangs.verdict, breaks.verdict, works.verdict) == ("fail", "fail", "ok")
    assert "no answer within 0.2 s" in hangs.said
    assert "KeyError" in breaks.said
    assert "secret-detail" not in breaks.said
    assert "secret-detail" in caplog.text
    assert not record((hangs, works))["ok"]
    assert record((works,))["ok"]


def test_a_port_that_is_taken_names_who_has_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        verdict, said, do = told(tmp_path, "port", settings=f"port = {port}")
        assert verdict == "fail"
        assert f"(process {os.getpid()})" in said
        assert do
    assert told(tmp_path, "port", settings=f"port = {port}")[0] == "ok"


def test_a_certificate_is_looked_at_until_it_ends(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)  # for two days
    settings = f'tls_certificate = "{certificate}"\ntls_key = "{key}"\n'
    verdict, said, do = told(tmp_path, "tls", settings=settings)
    assert (verdict, "Renew it" in do) == ("warn", True)
    assert "1 d 23 h" in said or "2 d" in said

    written = subprocess.run(
        ["openssl", "x509", "-enddate", "-noout", "-in", certificate], capture_output=True, check=True
    )
    end = written.stdout.decode().strip().removeprefix("notAfter=")
    assert not_after(certificate.read_text()) == int(ssl.cert_time_to_seconds(end)) * 1000

    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-key",
        key,
        "-subj",
        "/CN=x",
        "-days",
        "10950",
        "-out",
        certificate,
    ]
    subprocess.run(command, check=True, capture_output=True)  # an end that is written with four digits of the year
    assert not_after(certificate.read_text()) == pytest.approx(now() + 10950 * DAY, abs=DAY)
    key.chmod(0o600)
    assert told(tmp_path, "tls", settings=settings)[0] == "ok"
    key.chmod(0o644)
    assert told(tmp_path, "tls", settings=settings)[::2] == ("warn", f"chmod o= {key}")
    key.write_text("no key")
    assert told(tmp_path, "tls", settings=settings)[0] == "fail"


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_has_no_end(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        not_after(text)


PUBLIC = 'public_url = "https://alerts.example.com"'


@pytest.mark.parametrize(("days", "verdict"), [(90, "ok"), (13, "warn"), (-1, "fail")])
def test_the_public_certificate_is_looked_at_too(tmp_path: Path, days: int, verdict: str) -> None:
    beyond = replace(HERE, expiry=lambda _host, _port: now() + days * DAY)
    assert told(tmp_path, "tls", settings=PUBLIC, beyond=beyond)[0] == verdict
    assert "was not looked at" in told(tmp_path, "tls", beyond=replace(beyond, proxied=lambda _: True))[1]


def test_a_host_presents_its_certificate_and_one_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path, "localhost")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=_handshakes, args=(listening, server, 2), daemon=True).start()
        assert outside.expiry("127.0.0.1", port, context=trusting) == not_after(certificate.read_text())
        beyond = replace(HERE, expiry=outside.expiry)
        verdict, said, _ = told(tmp_path, "tls", settings=f'public_url = "https://127.0.0.1:{port}"', beyond=beyond)
    assert verdict == "fail"
    assert "is not trusted: self-signed certificate" in said


def _handshakes(listening: socket.socket, context: ssl.SSLContext, count: int) -> None:
    for _ in range(count):
        plain, _ = listening.accept()
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


def _not_found(_: str) -> tuple[str, ...]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("resolve", "verdict", "words"),
    [
        (lambda _: ("8.8.8.8", "2600::1"), "ok", "8.8.8.8, 2600::1"),
        (lambda _: ("8.8.8.8", "10.0.0.7"), "warn", "nobody reaches 10.0.0.7"),
        (lambda _: ("127.0.0.1",), "warn", "nobody reaches 127.0.0.1"),
        (lambda _: ("fe80::1%eth0",), "warn", "nobody reaches"),
        (_not_found, "fail", "Name or service not known"),
    ],
)
def test_dns_tells_whether_the_internet_finds_the_public_address(
    tmp_path: Path, resolve: Callable[[str], tuple[str, ...]], verdict: str, words: str
) -> None:
    found, said, do = told(tmp_path, "dns", settings=PUBLIC, beyond=replace(HERE, resolve=resolve))
    assert found == verdict
    assert words in said
    assert bool(do) is (verdict != "ok")


def test_without_a_public_address_dns_tells_whether_names_can_be_looked_up(tmp_path: Path) -> None:
    assert told(tmp_path, "dns")[0] == "ok"
    assert told(tmp_path, "dns", beyond=replace(HERE, resolve=_not_found))[0] == "warn"
    assert "by the proxy" in told(tmp_path, "dns", beyond=replace(HERE, resolve=_not_found, proxied=lambda _: True))[1]


@contextmanager
def web(ahead: int) -> Iterator[str]:
    """A web server whose clock is so many seconds ahead of ours, and that has no page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or now() / 1000) + ahead)

        def do_HEAD(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"), [(20, "ok", "agrees"), (-120, "warn", "ahead of"), (400, "fail", "6 min behind")]
)
def test_the_clock_is_held_against_the_consoles(tmp_path: Path, ahead: int, verdict: str, words: str) -> None:
    with web(ahead) as url:
        found, said, _ = told(tmp_path, "clock", beyond=replace(HERE, ahead=outside.ahead, console=lambda _: url))
    assert found == verdict
    assert words in said


def test_a_clock_that_cannot_be_compared_is_no_fault_of_its_own(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        verdict, said, _ = told(tmp_path, "clock", beyond=replace(HERE, ahead=outside.ahead, console=lambda _: url))
    assert verdict in {"ok", "warn"}
    assert "could not be compared" in said


@contextmanager
def answering(tmp_path: Path, running: Running, probe: dict[str, Any], **more: Any) -> Iterator[Places]:
    """A running instance, as far as the control socket shows it."""
    places = find_places(str(tmp_path / "data"))
    places.make()

    async def answer(wish: dict[str, Any]) -> dict[str, Any]:
        return {"running": {**asdict(running), **more}} if wish.get("do") == "status" else probe

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(open_control(places.socket, answer))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield places
    finally:
        if server:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


OPEN = Running(front="tray", pid=4711, http_parser="c", door=Door(host="127.0.0.1", port=8765, open=True))
REACHABLE = ReachState(reach=Reach.REACHABLE, public_url="https://alerts.example.com", probe_ms=42)
BLIND = ReachState(reach=Reach.BLIND, public_url="https://alerts.example.com", why="the tunnel is down.")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ({"reach": asdict(REACHABLE)}, "ok", "came back in 42 ms"),
        ({"reach": asdict(BLIND)}, "fail", "the tunnel is down."),
        ({"reach": asdict(ReachState())}, "warn", "nothing proves"),
        ({"error": "it is being opened"}, "warn", "it is being opened"),
    ],
)
def test_the_probe_tells_what_the_running_instance_found(
    tmp_path: Path, answer: dict[str, Any], verdict: str, words: str
) -> None:
    with answering(tmp_path, OPEN, answer, reach={"public_url": "https://alerts.example.com"}) as places:
        found, said, _ = told(tmp_path, "public probe", places=places)
    assert found == verdict
    assert words in said


@pytest.mark.parametrize(
    ("door", "verdict", "words"),
    [
        ({}, "ok", "http://127.0.0.1:8765 (tray, process 4711)"),
        ({"note": "the new certificate cannot be used."}, "warn", "the new certificate"),
        ({"open": False, "problem": "port 8765 is taken. End it."}, "fail", "port 8765 is taken"),
    ],
)
def test_the_listener_is_as_the_running_instance_says(
    tmp_path: Path, door: dict[str, Any], verdict: str, words: str
) -> None:
    with answering(tmp_path, replace(OPEN, door=replace(OPEN.door, **door)), {}) as places:
        found, said, _ = told(tmp_path, "listener", places=places)
    assert found == verdict
    assert words in said


def _accept(listening: socket.socket) -> None:
    listening.accept()[0].close()


def test_an_instance_that_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    places = find_places(str(tmp_path / "data"))
    places.make()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(places.socket))
        silent.listen()
        threading.Thread(target=_accept, args=(silent,), daemon=True).start()
        verdict, said, _ = told(tmp_path, "listener", places=places)
    assert verdict == "fail"
    assert "did not answer" in said


def test_a_tunnel_is_its_program_and_how_it_is(tmp_path: Path) -> None:
    program = tmp_path / "frpc"
    settings = f'[tunnel]\nkind = "frpc"\nconfig = "/etc/frpc.toml"\nprogram = "{program}"\n'
    verdict, said, do = told(tmp_path, "tunnel", settings=settings)
    assert (verdict, "is not here" in said, "frpc" in do) == ("fail", True, True)

    program.write_text("#!/bin/sh\nprintf '0.61.0\\033[31m\\nmore'\n")
    program.chmod(0o755)
    verdict, said, _ = told(tmp_path, "tunnel", settings=settings)
    assert verdict == "ok"
    assert f"{program}, 0.61.0 [31m." in said

    for state, wanted in ((Phase.UP, "ok"), (Phase.WAITING, "fail")):
        tunnel = asdict(TunnelState(kind="frpc", phase=state, url="https://a.example.com", why="frps says no."))
        with answering(tmp_path, OPEN, {}, tunnel=tunnel) as places:
            found, said, _ = told(tmp_path, "tunnel", places=places)
        assert found == wanted
        assert ("https://a.example.com" if wanted == "ok" else "frps says no.") in said


@contextmanager
def bus(monkeypatch: pytest.MonkeyPatch, *names: str, answers: bool = True) -> Iterator[None]:
    """A private session bus with somebody on it who has these names."""
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
        found = looked(tmp_path, *lines)
    assert {check.verdict for check in found.values()} == {Verdict.OK}
    assert (
        "shower 1.2 (a maker) shows body, persistence. It lacks something: no buttons." in found["notifications"].said
    )
    assert "A keyring is there." in found["keyring"].said

    with bus(monkeypatch):
        found = looked(tmp_path, *lines)
    assert (found["session bus"].verdict, found["tray"].verdict) == ("ok", "warn")
    assert "gnome-shell-extension-appindicator" in (found["tray"].do or "")
    assert found["notifications"].verdict == "warn" or "starts" in found["notifications"].said


def test_a_notification_daemon_that_hangs_is_told_and_costs_no_other_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bus(monkeypatch, NOTIFIER, answers=False):
        found = looked(tmp_path, "notifications", "session bus")
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
    assert judged(versions).verdict == verdict
