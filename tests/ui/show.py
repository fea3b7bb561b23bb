"""Shows tray and window with a bad day: `python -m tests.ui.show [--window] [--empty] [--blind] [--live]`.

Also [--paused] [--full] [--news] [--probing] [--salvage] [--failed]: a log that stores nothing, news of a salvage and a
crash, somebody who probes, a former log that is being read over, and a wish that failed.
"""

import sys
import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from tests.ui.fake_desk import HOUR, MINUTE, FakeDesk, stored, varied
from trayalert.domain.events import IncidentChanged
from trayalert.domain.incident import Change
from trayalert.domain.reach import Reach
from trayalert.domain.times import Millis
from trayalert.services.probing import probing_words
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
        desk.be(Reach.BLIND, since=desk.now() - 5 * HOUR, why="No answer from https://a.example.com in 5 s.")
    home = "/home/administrator/.local/share/trayalert"
    if "--full" in sys.argv:
        desk.storing = False
        full = (
            f"Callbacks are refused: the disk of {home}/trayalert.db is full (database or disk is full). "
            "Free some room on it; trayalert goes on by itself."
        )
        desk.trouble = (full,)
    if "--news" in sys.argv:
        crashed = f"trayalert crashed on 23 Nov 03:12; what happened is in {home}/crashes/crash-20261123T031200Z.txt."
        salvaged = (
            f"The log was damaged and was moved to {home}/quarantine/20261123T031200Z-1 (database disk image is"
            " malformed). 1,982 of 2,001 callbacks were salvaged from it, 19 could not be read."
        )
        desk.news = (crashed, salvaged)
    if "--probing" in sys.argv:
        desk.probing = probing_words(12, desk.now(), "203.0.113.7", now=desk.now())
    if "--salvage" in sys.argv:
        desk.unsure = "the former log is being salvaged"
    if "--paused" in sys.argv:
        desk.paused_until = desk.now() + HOUR
    front = Front(desk, bridge)
    front.start()
    if "--window" in sys.argv:
        front.show_window()
        if "--failed" in sys.argv and front.window:
            front.window.complain("The incident could not be marked recovered: the disk took longer than 4 s.")
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
