"""Settings for all tests, and hooks that pytest calls."""

import gc
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.pseudo import pseudo_language
from trayalert.app.garbage_collector import collect_due
from trayalert.domain.wording.language import use_catalogues
from trayalert.translations import read_catalogue

__all__ = ["pseudo_language"]  # a fixture

FIRST = (
    "packaging/test_frozen",
    "app/test_reachability",
    "app/test_serve",
    "app/test_log_faults",
    "packaging/test_makefile",
)
"""The test files that take longest. If one of them started last, the other workers would have nothing left to do."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell
    # the programs under test would inherit that SIGINT is ignored, but must be able to receive SIGINT
    signal.signal(signal.SIGINT, signal.default_int_handler)

if not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

# The tests compare English texts, in whatever language the system is.
for variable in ("LC_ALL", "LANGUAGE"):
    os.environ.pop(variable, None)
os.environ["LC_MESSAGES"] = "C"

# Without bytecode every start of the program under test compiles all of trayalert again: 0.3 s of CPU time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

use_catalogues(read_catalogue)

# as in the tray application: Qt objects that a test leaves behind must not be freed on a thread of a later test
gc.disable()

# Every run tries the same examples, so that only a change of the code can make the suite fail. To try new examples, run
# pytest --hypothesis-profile hunt tests/callbacks tests/domain
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=300, print_blob=True)
settings.register_profile("hunt", deadline=None, max_examples=20_000)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of FIRST before all others."""
    here = Path(__file__).parent
    items.sort(key=lambda item: not item.path.relative_to(here).as_posix().startswith(FIRST))


def pytest_collection_finish() -> None:
    """Exclude what was collected from garbage collection: with 6,000 tests, each full collection takes 0.2 s."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a test that runs alone, write to disk what earlier tests have left in the page cache.

    Otherwise the system would write these pages during the test, and a commit would take up to 0.1 s longer.
    """
    if item.get_closest_marker("alone"):
        os.sync()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect garbage after each test.

    pytest calls its hooks on the main thread, and no other thread may free Qt objects.
    """
    collect_due()
