"""Fixtures that provide desktops, and a fixture that runs a coroutine on Qt's event loop, as the program does.

`desktop` is the usual desktop (xfce4-panel, xfce4-notifyd); `dunst_desktop` has dunst and no panel. All tests of a run
share both, so a test must leave no notification behind. `bus` is a session bus on which no program runs. `application`
is the tray application on the usual desktop; it must end with status 0 and without output on stderr.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import qasync
from PySide6.QtWidgets import QApplication

from tests.desktop.harness.application import Application, Browser
from tests.desktop.harness.desktop_programs import missing_packages, wait_until
from tests.desktop.harness.overheard import Overheard
from tests.desktop.harness.session import Desktop, running_desktop
from tests.desktop.harness.session_bus import SessionBus

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

OnQt = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(scope="session")
def desktop() -> Iterator[Desktop]:
    with running_desktop() as running:
        yield running


@pytest.fixture(scope="session")
def dunst_desktop() -> Iterator[Desktop]:
    with running_desktop(panel=None, notifier="dunst") as running:
        yield running


@pytest.fixture
def bus() -> Iterator[SessionBus]:
    missing = missing_packages("dbus-daemon")
    if missing:
        pytest.fail(f"the desktop tests need these Debian packages: {' '.join(missing)}", pytrace=False)
    root = Path(tempfile.mkdtemp(prefix="bus-"))
    running = SessionBus(root, os.environ)
    yield running
    running.stop()
    shutil.rmtree(root)


@pytest.fixture
def on_qt(qapp: QApplication) -> OnQt:
    """Return a function that runs a coroutine to its end on a QEventLoop."""

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
            runner.run(coroutine)

    return run


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path / "bin")


@pytest.fixture
def overheard(desktop: Desktop) -> Iterator[Overheard]:
    listening = Overheard(desktop.bus_address)
    yield listening
    listening.close()


@pytest.fixture
def application(desktop: Desktop, tmp_path: Path, browser: Browser) -> Iterator[Application]:
    running = Application(desktop, tmp_path, env={"BROWSER": str(browser.program)})
    try:
        yield running
        if running.running:
            assert running.end() == 0
        assert running.error_output() == ""
    finally:
        running.stop()
        wait_until(lambda: not desktop.notifications(), "no notification is left")
        wait_until(lambda: not desktop.tray_items(), "no tray item is left")
