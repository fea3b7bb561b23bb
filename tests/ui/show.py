"""Shows tray and window with a bad day: `python -m tests.ui.show [--window] [--empty] [--blind] [--live]`."""

import sys
import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from tests.ui.fake_desk import HOUR, MINUTE, FakeDesk, stored, varied
from trayalert.domain.events import IncidentChanged
from trayalert.domain.incident import Change
from trayalert.domain.reach import Reach
from trayalert.domain.times import Millis
from trayalert.ui.appearance import follow_desktop, theme_arguments
from trayalert.ui.bridge import EventBridge
from trayalert.ui.front import Front


class RunningDesk(FakeDesk):
    """A desk with the real clock."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000


def main() -> None:
    """Run until killed."""
    app = QApplication(["trayalert", *theme_arguments()])
    follow_desktop(app)
    app.setQuitOnLastWindowClosed(False)
    desk, bridge = RunningDesk(), EventBridge()
    if "--empty" not in sys.argv:
        desk.keep(*varied(desk.now()))
        desk.doubtful = {8}
        desk.last_callback_at = desk.now() - 3 * MINUTE
    if "--blind" in sys.argv:
        desk.reach, desk.trouble = Reach.BLIND, ("Port 8765 is taken by another program; trying again.",)
    if "--paused" in sys.argv:
        desk.paused_until = desk.now() + HOUR
    front = Front(desk, bridge)
    front.start()
    if "--window" in sys.argv:
        front.show_window()
    if "--live" in sys.argv:
        timer = QTimer(interval=3000)

        def fire() -> None:
            number = 1000 + len(desk.kept)
            desk.keep(stored(number, opened_at=desk.now(), name="新的告警"))
            desk.last_callback_at = desk.now()
            bridge.put([IncidentChanged(number, Change.OPENED)])

        timer.timeout.connect(fire)
        timer.start()
    app.exec()


if __name__ == "__main__":
    main()
