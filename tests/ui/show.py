"""Shows tray and window with a bad day: `python -m tests.ui.show [--window] [--empty] [--blind] [--live]`.

Also [--guide] [--gaps] [--strip] [--moved] [--proved]: the guide (USR1 is the console's Test), the gaps, the strip at
all times, a public address that has changed, and a probe that came through.

Also [--paused] [--full] [--news] [--probing] [--salvage] [--failed]: a log that stores nothing, news of a salvage and a
crash, somebody who probes, a former log that is being read over, and a wish that failed.
"""

import signal
import sys
import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from tests.ui.fake_backend import HOUR, MINUTE, FakeDesk, stored, varied
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.events import Event, IncidentChanged, Rehearsed, TestReceived, UrlChanged
from trayalert.domain.gap import Cause, Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.reachability import Reach
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.access.secret_guesses import probing_words
from trayalert.ui.appearance import follow_desktop, theme_arguments
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import Front


class RunningDesk(FakeDesk):
    """A desk with the real clock."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000

    def rehearse(self) -> None:
        super().rehearse()
        QTimer.singleShot(1500, lambda: self.bridge.put([Rehearsed(None)]))

    bridge: EventBridge


CHECKS = (
    Check(name="Door", verdict=Verdict.OK, said="It is open on http://127.0.0.1:8765."),
    Check(name="Tunnel", verdict=Verdict.WARN, said="Cloudflare quick tunnel is up: its URL changes at each start."),
    Check(
        name="Public address",
        verdict=Verdict.FAIL,
        said="https://alerts.example.com answers with a page of another program (502 Bad Gateway).",
        do="Let it pass requests on to 127.0.0.1:8765, path /hook/ and below.",
    ),
    Check(name="Probe", verdict=Verdict.WAIT, said="Under way…"),
)


def gaps(now: Millis) -> list[Gap]:
    """A night's gaps, one of them going on."""
    why = "The tunnel's program ended: the network is unreachable. https://alerts.example.com gave no answer in 5 s."
    return [
        Gap(id=4, cause=Cause.BLIND, began_at=now - 12 * MINUTE, why=why),
        Gap(id=3, cause=Cause.ASLEEP, began_at=now - 9 * HOUR, ended_at=now - 2 * HOUR),
        Gap(id=2, cause=Cause.OFF, began_at=now - 60 * HOUR, ended_at=now - 12 * HOUR, why="It was ended by hand."),
        Gap(id=1, cause=Cause.BLIND, began_at=now - 90 * HOUR, ended_at=now - 89 * HOUR, why="端口被占用"),
    ]


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
    desk.bridge, desk.checks, desk.kept_gaps = bridge, CHECKS, gaps(desk.now())
    desk.tunnel_state = TunnelState(kind="cloudflared", phase=Phase.UP)
    if "--proved" in sys.argv:
        desk.proved_for = HOUR
        desk.be(Reach.REACHABLE)
    if "--moved" in sys.argv:
        desk.url_changed = UrlChanged("https://calm-blue.trycloudflare.com", "https://wide-red.trycloudflare.com")
    if "--strip" in sys.argv:
        desk.strip = "always"
    front = Front(desk, bridge, guide_wanted="--guide" in sys.argv)
    front.start()
    if "--gaps" in sys.argv:
        front.show_gaps()

    def test(*_signal: object) -> None:
        event: Event = TestReceived(desk.now())
        bridge.put([event])

    signal.signal(signal.SIGUSR1, test)
    waker = QTimer(interval=200)  # Python looks for signals only when it runs
    waker.timeout.connect(lambda: None)
    waker.start()
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
