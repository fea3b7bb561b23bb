"""The setup assistant and the display of reachability on a real desktop, with a real tunnel, used by keyboard alone."""

import json
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QColor, QImage

from tests.desktop.harness.application import Application
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.session import Desktop, Window
from tests.reached import write_settings
from tests.sshd import Sshd, free_port, sshd
from trayalert.app.control.control_protocol import GetStatus, ask
from trayalert.app.platform.places import find_places

pytestmark = pytest.mark.desktop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def fresh(desktop: Desktop, tmp_path: Path) -> Iterator[Application]:
    """Yield the tray application at its first start."""
    running = Application(desktop, tmp_path, first_run=True)
    with ended_in_order(running):
        yield running


@contextmanager
def ended_in_order(running: Application) -> Iterator[Application]:
    try:
        yield running
        assert running.end() == 0
    finally:
        running.stop()
        desktop = running.desktop
        wait_until(lambda: not desktop.notifications() and not desktop.tray_items(), "the desktop is empty again")


def wait_for_reachability(running: Application, reach: str) -> None:
    socket = find_places(str(running.data_dir)).socket

    def is_shown() -> bool:
        status = ask(socket, GetStatus()) or {}  # far quicker than a command
        return bool(status and status["running"]["reach"]["reach"] == reach)

    wait_until(is_shown, f"it is {reach}", within=20)


def wait_for_page(running: Application, page: str) -> None:
    """Wait until the setup assistant shows that page."""
    remembered = running.data_dir / "remembered.json"

    def state() -> dict[str, Any]:
        return dict(json.loads(remembered.read_text())["setup"]) if remembered.exists() else {}

    wait_until(lambda: state().get("page") == page, f"the guide is on its page {page}")


def has_green(running: Application, window: Window) -> bool:
    """Return whether the setup assistant shows its large green tick."""
    picture = QImage(str(running.desktop.shot(running.data_dir / "shot.png")))
    left, top = window.x + 8, window.y + 70
    colours = [QColor(picture.pixel(left + x, top + y)) for x in range(0, 80, 2) for y in range(0, 80, 2)]
    return sum(one.green() > max(one.red(), one.blue()) + 50 for one in colours) > 60


def ssh_line(server: Sshd, remote_port: int) -> str:
    """Return the ssh command of the tunnel as a user types it."""
    table = server.tunnel(remote_port)
    options = ["-N", *table["arguments"], "-o", "ExitOnForwardFailure=yes", "-p", str(server.port), "-i"]
    forward = ["-R", f"127.0.0.1:{remote_port}:{{address}}"]
    return shlex.join(["ssh", *options, table["identity"], *forward, table["host"]]).replace("'", "")


def test_the_assistant_is_walked_by_keyboard_to_the_consoles_test(fresh: Application, server: Sshd) -> None:
    desktop, remote_port = fresh.desktop, free_port()
    line, public_url = ssh_line(server, remote_port), f"http://127.0.0.1:{remote_port}"
    assistant = fresh.window()
    desktop.focus(assistant)
    desktop.press("Return")
    wait_for_page(fresh, "details")
    desktop.press("End", "alt+m")
    desktop.write(line)
    desktop.press("alt+u")
    desktop.write(public_url)
    desktop.press("Return")
    wait_for_page(fresh, "ready")
    wait_for_reachability(fresh, "reachable")
    desktop.press("Return", "Return")
    wait_for_page(fresh, "test")
    assert not has_green(fresh, assistant)

    assert fresh.url.startswith(f"{public_url}/hook/")
    assert fresh.post(b"") == 200

    wait_until(lambda: has_green(fresh, assistant), "the guide shows a green tick")
    desktop.press("Return", "Return")
    wait_until(lambda: not fresh.windows(), "the guide is closed")
    assert json.loads((fresh.data_dir / "remembered.json").read_text())["setup"]["finished"] is True
    settings = tomllib.loads((fresh.data_dir / "settings.toml").read_text())
    assert settings == {"public_url": public_url, "tunnel": {"kind": "command", "command": line.split()}}
    status = fresh.status()
    assert (status["reach"], status["tunnel"]["phase"], status["deliveries"]) == ("reachable", "up", 1)

    assert (
        fresh.ask("setup") == "The setup assistant is open.\n"
    )  # open the setup assistant a second time, and change nothing
    desktop.focus(fresh.window())
    desktop.press("Return")
    wait_for_page(fresh, "details")
    desktop.press("Return")
    wait_for_page(fresh, "ready")
    again = fresh.status()["tunnel"]
    assert (again["phase"], again["pid"]) == ("up", status["tunnel"]["pid"]), "a tunnel that runs is left alone"


def test_a_blind_tray_has_a_picture_of_its_own_and_says_since_when(
    desktop: Desktop, tmp_path: Path, server: Sshd
) -> None:
    port = free_port()
    with ended_in_order(Application(desktop, tmp_path)) as running:
        running.wait_for_tooltip("No public address is known")
        unknown = running.tray.picture
    write_settings(
        tmp_path / "data", public_url=f"http://127.0.0.1:{port}", probe_seconds=5, tunnel=server.tunnel(port)
    )
    with ended_in_order(Application(desktop, tmp_path)) as running:
        wait_for_reachability(running, "reachable")
        running.wait_for_tooltip("Callbacks get through")
        reachable_picture = running.tray.picture

        server.kill()

        wait_for_reachability(running, "blind")
        running.wait_for_tooltip("Blind since", "sshd")
        assert running.tray.picture not in {reachable_picture, unknown}
        assert any(entry.words.startswith("Blind since") for entry in running.tray.menu)

        server.start()
        wait_until(lambda: running.tray.picture == reachable_picture, "the tray is calm again", within=20)
