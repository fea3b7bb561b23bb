"""The tray application, with commands on stdin that block its main thread, and answers on stdout as JSON lines.

`spin SECONDS` blocks the main thread in Python code, which holds the GIL; `sleep SECONDS` blocks it without the GIL.
`backlog` prints how many events wait for the main thread.
"""

import json
import sys
import threading
import time
from typing import Any

from PySide6.QtCore import QObject, Signal

from trayalert.app import desktop
from trayalert.cli import main
from trayalert.ui.event_bridge import EventBridge

_bridges: list["_CountingBridge"] = []


class _CountingBridge(EventBridge):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.drained = 0
        self.arrived.connect(self._count)
        _bridges.append(self)

    def _count(self, batch: list[Any]) -> None:
        self.drained += len(batch)


class _MainThreadCommands(QObject):
    requested = Signal(str, float)


def _block_main_thread(kind: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    print(json.dumps({"held": kind}), flush=True)
    while kind == "spin" and time.monotonic() < end:
        pass
    if kind == "sleep":
        time.sleep(seconds)


def _run_commands(commands: _MainThreadCommands) -> None:
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "backlog":
            bridge = _bridges[0]
            print(json.dumps({"waiting": len(bridge._waiting), "drained": bridge.drained}), flush=True)
        else:
            commands.requested.emit(word, float(rest[0]))


if __name__ == "__main__":
    vars(desktop)["EventBridge"] = _CountingBridge
    commands = _MainThreadCommands()
    commands.requested.connect(_block_main_thread)
    threading.Thread(target=_run_commands, args=(commands,), daemon=True).start()
    main()
