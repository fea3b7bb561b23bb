"""Shows the tray and the window on a bad day: `python -m tests.ui.show [OPTION ...]`.

`--window` opens the window, `--empty` leaves out all incidents, `--blind` makes Cloud Monitor unable to reach this
computer, and `--live` adds an incident every 3 s.
`--setup` opens the setup assistant, in which the signal USR1 plays the test of the console. `--gaps` opens the list of
gaps, and `--strip` always shows the overlay. `--moved` is a public address that has changed, and `--proved` a probe
that came back.
`--paused` pauses the notifications, `--full` is a log that cannot store, and `--news` reports a salvage and a crash.
`--probing` is a stranger who guesses secrets, `--salvage` a former log that is being salvaged, and `--failed`, together
with `--window`, a request that failed.
"""

import signal
import sys
import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from tests.ui.fake_backend import HOUR, MINUTE, FakeBackend, FakeProgram, FakeSetup, stored, varied
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.events import Event, IncidentChanged, SampleSent, TestReceived, UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.incident import Change
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.access.secret_guesses import secret_guesses_text
from trayalert.ui.appearance import follow_desktop, theme_arguments
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi


class RunningProgram(FakeProgram):
    """A program with the real clock."""

    def now(self) -> Millis:
        return time.time_ns() // 1_000_000


class AnsweringSetup(FakeSetup):
    """A setup in which each sample arrives."""

    bridge: EventBridge

    def send_sample(self) -> None:
        super().send_sample()
        QTimer.singleShot(1500, lambda: self.bridge.put([SampleSent(None, public=True)]))


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
    """Return the gaps of several days. The latest gap has not ended."""
    why = "The tunnel's program ended: the network is unreachable. https://alerts.example.com gave no answer in 5 s."
    return [
        Gap(id=4, cause=GapCause.BLIND, began_at=now - 12 * MINUTE, why=why),
        Gap(id=3, cause=GapCause.ASLEEP, began_at=now - 9 * HOUR, ended_at=now - 2 * HOUR),
        Gap(id=2, cause=GapCause.OFF, began_at=now - 60 * HOUR, ended_at=now - 12 * HOUR, why="It was ended by hand."),
        Gap(id=1, cause=GapCause.BLIND, began_at=now - 90 * HOUR, ended_at=now - 89 * HOUR, why="端口被占用"),
    ]


def main() -> None:
    """Show the user interface until the process is killed."""
    app = QApplication(["trayalert", *theme_arguments()])
    follow_desktop(app)
    app.setQuitOnLastWindowClosed(False)
    setup, bridge = AnsweringSetup(), EventBridge()
    backend = FakeBackend(program=RunningProgram(), setup=setup)
    if "--empty" not in sys.argv:
        backend.incidents.keep(*varied(backend.program.now()))
        backend.incidents.unconfirmed_ids = {8}
        backend.program.last_callback_at = backend.program.now() - 3 * MINUTE
    if "--blind" in sys.argv:
        backend.program.set_reachability(
            Reachability.BLIND,
            since=backend.program.now() - 5 * HOUR,
            reason="No answer from https://a.example.com in 5 s.",
        )
    home = "/home/administrator/.local/share/trayalert"
    if "--full" in sys.argv:
        backend.program.storing = False
        full = (
            f"Callbacks are refused: the disk of {home}/trayalert.db is full (database or disk is full). "
            "Free some room on it; trayalert goes on by itself."
        )
        backend.program.problems = (full,)
    if "--news" in sys.argv:
        crashed = f"trayalert crashed at 11-23 03:12; what happened is in {home}/crashes/crash-20261123T031200Z.txt."
        salvaged = (
            f"The log was damaged and was moved to {home}/quarantine/20261123T031200Z-1 (database disk image is"
            " malformed). 1,982 of 2,001 callbacks were salvaged from it, 19 could not be read."
        )
        backend.program.news = (crashed, salvaged)
    if "--probing" in sys.argv:
        backend.program.secret_guesses = secret_guesses_text(
            12, backend.program.now(), "203.0.113.7", now=backend.program.now()
        )
    if "--salvage" in sys.argv:
        backend.program.uncertainty = "the former log is being salvaged"
    if "--paused" in sys.argv:
        backend.program.paused_until = backend.program.now() + HOUR
    setup.bridge, setup.checks = bridge, CHECKS
    backend.incidents.kept_gaps = gaps(backend.program.now())
    backend.program.tunnel_state = TunnelState(kind="cloudflared", phase=Phase.UP)
    if "--proved" in sys.argv:
        backend.program.proved_for = HOUR
        backend.program.set_reachability(Reachability.REACHABLE)
    if "--moved" in sys.argv:
        backend.program.url_changed = UrlChanged(
            "https://calm-blue.trycloudflare.com", "https://wide-red.trycloudflare.com"
        )
    if "--strip" in sys.argv:
        backend.program.overlay_mode = "always"
    main_ui = MainUi(backend, bridge, setup_requested="--setup" in sys.argv)
    main_ui.start()
    if "--gaps" in sys.argv:
        main_ui.show_gaps()

    def test(*_signal: object) -> None:
        event: Event = TestReceived(backend.program.now())
        bridge.put([event])

    signal.signal(signal.SIGUSR1, test)
    # Python handles signals only while it executes bytecode, which the Qt loop alone does not
    waker = QTimer(interval=200)
    waker.timeout.connect(lambda: None)
    waker.start()
    if "--window" in sys.argv:
        main_ui.show_window()
        if "--failed" in sys.argv and main_ui.window:
            main_ui.window.status.show_problem(
                "The incident could not be marked recovered: the disk took longer than 4 s."
            )
    if "--live" in sys.argv:
        timer = QTimer(interval=3000)

        def fire() -> None:
            number = 1000 + len(backend.incidents.kept)
            backend.incidents.keep(stored(number, opened_at=backend.program.now(), name="新的告警"))
            backend.program.last_callback_at = backend.program.now()
            bridge.put([IncidentChanged(number, Change.OPENED)])

        timer.timeout.connect(fire)
        timer.start()
    app.exec()


if __name__ == "__main__":
    main()
