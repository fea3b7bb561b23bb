"""The receiver never waits for the UI: callbacks are answered while the main thread is blocked."""

import sys
import time
from pathlib import Path

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.session import Desktop

pytestmark = [pytest.mark.desktop, pytest.mark.alone]

SCRIPT = Path(__file__).parent / "harness" / "blocked_ui.py"
BOUND = 1.0
"""Seconds that an answer may take. Loose, as the machine may be busy: `make bench` measures the real delay."""


@pytest.mark.parametrize("how", ["sleep", "spin"])
def test_answers_come_while_the_ui_is_blocked(desktop: Desktop, tmp_path: Path, how: str) -> None:
    running = Application(
        desktop, tmp_path, command=[sys.executable, str(SCRIPT), str(tmp_path / "data"), how], env={"PYTHONPATH": "."}
    )
    try:
        assert running.url
        wait_until(lambda: "blocked" in running.output(), "the UI is blocked")
        waits: list[float] = []
        while "free" not in running.output():
            begun = time.monotonic()
            assert running.post(threshold(f"i-{len(waits)}")) == 200
            waits.append(time.monotonic() - begun)
        assert len(waits) > 10
        assert max(waits) < BOUND
        running.wait_for_tooltip(f"{len(waits)} open")
        assert running.end() == 0
    finally:
        running.stop()
