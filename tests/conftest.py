"""Settings and hooks of pytest for all tests."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from trayalert.app.garbage_collector import collect_due

ALONE = (
    "desktop/test_blocked_ui",
    "desktop/test_flood",
    "listener/",
    "proof/test_real_alertmanager",
    "proof/test_kills",
    "proof/test_large_bodies_memory",
    "proof/test_rich_text",
    "proof/test_strangers_flood",
)
"""Tests that run alone: they measure, or an answer later than the listener's 4 s would change their verdict."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts background jobs with SIGINT ignored
    # the programs under test would inherit the ignored signal, and must receive SIGINT
    signal.signal(signal.SIGINT, signal.default_int_handler)

if not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

# as in the tray application: Qt objects that a test leaves behind must not be freed on a thread of a later test
gc.disable()

# Every run tries the same examples, so that only a change can make the suite fail. To look for new examples:
# pytest --hypothesis-profile hunt tests/callbacks tests/domain
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=300, print_blob=True)
settings.register_profile("hunt", deadline=None, max_examples=20_000)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that must run alone with `alone`."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(ALONE):
            item.add_marker("alone")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect garbage on the main thread, which pytest's hooks run on: no other thread may free Qt objects."""
    collect_due()
