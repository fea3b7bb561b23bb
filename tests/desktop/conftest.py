"""Desktops for the tests, and a way to run a coroutine on Qt's own loop, as the program does.

`desktop` is the usual one (xfce4-panel, xfce4-notifyd), `dunst_desktop` has dunst and no panel; both are shared by all
tests of a run, so a test leaves no notification behind. `bus` is a session bus alone, with nothing on it.
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

from tests.desktop.programs import missing_packages
from tests.desktop.session import Desktop, running_desktop
from tests.desktop.session_bus import SessionBus

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
    """Run a coroutine to its end on a QEventLoop."""

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
            runner.run(coroutine)

    return run
