"""A script that runs the tray application and blocks its main thread for 3 s, one second after the start.

`blocked_ui.py DATA_DIR sleep|spin` prints `blocked` before the 3 s, and `free` after the 3 s. With `sleep`, other
threads can run, as they can during most of Qt's own long operations. With `spin`, the main thread runs Python code,
which holds the GIL.
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
    """A main UI that blocks the main thread one second after its start."""

    def start(self, *, minimised: bool = False) -> None:
        super().start(minimised=minimised)
        QTimer.singleShot(1000, block)


if __name__ == "__main__":
    vars(desktop)["MainUi"] = BlockedUi
    main(["--port", "0", "--data-dir", sys.argv[1]])
