"""How the program ends, and what it does while its port is taken."""

import socket
import time
from pathlib import Path

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard
from tests.desktop.harness.session import Desktop, running_desktop

pytestmark = pytest.mark.desktop


def idle(application: Application) -> None:
    """Wait until the program has used no CPU time for a second."""
    ticks, since = -1, time.monotonic()

    def still() -> bool:
        nonlocal ticks, since
        fields = Path(f"/proc/{application.pid}/stat").read_text().rpartition(")")[2].split()
        used = int(fields[11]) + int(fields[12])
        if used != ticks:
            ticks, since = used, time.monotonic()
        return time.monotonic() - since > 1

    wait_until(still, "it is idle for a second")


def test_sigterm_ends_it_well_after_an_idle_second(application: Application) -> None:
    application.post(threshold())
    application.desktop.notification()
    idle(application)

    assert application.end(within=5) == 0

    wait_until(lambda: not application.desktop.notifications(), "its notification is taken along")
    assert application.run("status", "--json").returncode == 0


def test_sigterm_ends_it_well_as_soon_as_its_listener_is_open(tmp_path: Path) -> None:
    # a desktop for this test alone: Xfce's panel may keep the item of a program that ends right after its start
    with running_desktop() as desktop:
        for number in range(3):
            (tmp_path / str(number)).mkdir()
            running = Application(desktop, tmp_path / str(number))
            try:
                wait_until(running.output, "the door is open")
                assert running.end(within=5) == 0
                assert running.error_output() == ""
            finally:
                running.stop()


def test_sigterm_ends_it_well_with_its_window_open(application: Application) -> None:
    application.post(threshold())
    application.show_window()

    assert application.end(within=5) == 0


def test_quit_in_the_menu_ends_it_well(application: Application) -> None:
    application.show_window()

    application.tray.choose("Quit")

    assert application.status_at_end(within=5) == 0
    assert not (application.data_dir / "control.sock").exists()


def test_with_its_port_taken_it_stays_blind_until_the_port_is_free(
    desktop: Desktop, tmp_path: Path, overheard: Overheard
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Application(desktop, tmp_path, port=port)
        running.wait_for_tooltip(
            "Blind since", ": no callback can arrive", f"port {port} on 127.0.0.1 is taken by another program"
        )
        blind = running.tray.picture
        assert running.output() == ""
        assert running.status()["reach"] == "blind"
        wait_until(lambda: "trayalert is blind: no callback can arrive" in overheard.titles(), "it is told")
    try:
        running.wait_for_tooltip("Reach unknown")
        assert running.output() == f"listening on http://127.0.0.1:{port}\n"
        assert running.tray.picture != blind
        wait_until(lambda: "trayalert's door is open again" in overheard.titles(), "the end of it is told")
        assert running.post(threshold()) == 200
        assert running.end() == 0
    finally:
        running.stop()
