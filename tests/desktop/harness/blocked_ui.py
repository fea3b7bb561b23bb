"""The tray application with a main thread that stands still for 3 s, soon after its start. A script for a test.

`blocked_ui.py DATA_DIR sleep|spin` prints `blocked` and `free` around it. `sleep` lets other threads run, as most of
Qt's long work does; `spin` is Python that holds on to the interpreter.
"""

import sys
import time

from PySide6.QtCore import QTimer

from trayalert.app import desktop
from trayalert.cli import main
from trayalert.ui.main_ui import MainUi

SECONDS = 3.0


def block() -> None:
    print("blocked", flush=True)
    until = time.monotonic() + SECONDS
    if sys.argv[2] == "sleep":
        time.sleep(SECONDS)
    while time.monotonic() < until:
        pass
    print("free", flush=True)


class BlockedUi(MainUi):
    """A main UI whose start is followed by three bad seconds."""

    def start(self, *, minimised: bool = False) -> None:
        super().start(minimised=minimised)
        QTimer.singleShot(1000, block)


if __name__ == "__main__":
    vars(desktop)["MainUi"] = BlockedUi
    main(["--port", "0", "--data-dir", sys.argv[1]])
