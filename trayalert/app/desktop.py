"""The tray application: Qt and asyncio joined on the main thread, the receiver on a thread of its own.

The receiver never waits for anything here. Quitting is an event of ours: Qt's own quit would cut what still runs.
"""

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace

import qasync
from PySide6.QtCore import QEvent, QLoggingCategory, QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from trayalert.app.backends.live_backend import LiveDesk
from trayalert.app.desktop_notifications import Notifying
from trayalert.app.diagnostics.crashes import Crashes, innermost
from trayalert.app.garbage_collector import GarbageCollector
from trayalert.app.headless import announce_door, end_once
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.events import DoorChanged, Event, LogChanged, ReachChanged
from trayalert.domain.times import Millis
from trayalert.ui.appearance import follow_desktop, theme_arguments
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import Front

_SHORT_TURN = 0.0005
"""Seconds: how long a busy widget may keep the interpreter from the receiver (5 ms by default)."""

_NOISE = "qt.qpa.theme.*.warning=false\nqt.qpa.services.warning=false"
"""Qt complains of desktops that have no portal; nothing here needs one."""

_logger = logging.getLogger(__name__)


class _Wishes(QObject):
    """Wishes from other threads. They may come before anybody here listens: `wanted` remembers the last."""

    show = Signal(str)
    wanted: str | None = None

    def want(self, what: str) -> None:
        self.wanted = what
        self.show.emit(what)


class _QuitFilter(QObject):
    """Turns Qt's own quit (a session that ends, a menu of the system) into ours."""

    quit_wanted = Signal()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Quit:
            self.quit_wanted.emit()
            return True
        return super().eventFilter(watched, event)


class _ReceiverThread:
    """Runs the receiver."""

    def __init__(
        self, plan: Plan, bridge: EventBridge, wishes: _Wishes, crashes: Crashes, collector: GarbageCollector
    ) -> None:
        self.plan = plan
        self.bridge = bridge
        self.wishes = wishes
        self.crashes = crashes
        self.collector = collector
        self._started: Future[Receiver] = Future()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    @property
    def receiver(self) -> Receiver:
        """Wait for the receiver. Raise what kept it from starting."""
        return self._started.result()

    def stop(self) -> None:
        """End the receiver in good order and wait for it."""
        if self._started.done() and not self._started.exception():
            self.receiver.end()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._receive())
        except BaseException as error:  # noqa: BLE001 - told by who waits for the start, or by the tray
            if not self._started.done():
                self._started.set_exception(error)
                return
            cause = innermost(error)
            problem = f"The receiver has stopped: {str(cause) or type(cause).__name__}. Restart trayalert."
            self.receiver.door = replace(self.receiver.door, open=False, problem=problem)
            self.bridge.put([DoorChanged(self.receiver.door.host, self.receiver.door.port, problem)])
            self.crashes.tell_error(self.plan.front, error, "the receiver has stopped")

    async def _receive(self) -> None:
        self.collector.watch(asyncio.get_running_loop())
        self.crashes.watch_tasks(asyncio.get_running_loop(), self.plan.front)
        receiver = Receiver(self.plan, announce=self._announce, show=self.wishes.want)
        self._started.set_result(receiver)
        await receiver.run()

    def _announce(self, events: Sequence[Event]) -> None:
        announce_door(events)
        self.bridge.put(events)


def run_desktop(plan: Plan, *, drawn: Callable[[], None]) -> int:
    """Run the tray application to its end. Raise Crashed at a fault of ours, once the receiver has closed.

    `drawn` is called when Qt has the screen.
    """
    sys.setswitchinterval(_SHORT_TURN)
    crashes = Crashes(plan.places.crashes, plan.secrets.mask)
    with crashes.watching(plan.front):
        _run(plan, crashes, drawn)
    return 0


def _run(plan: Plan, crashes: Crashes, drawn: Callable[[], None]) -> None:
    early = _early_signals()
    bridge, wishes, collector = EventBridge(), _Wishes(), GarbageCollector()
    thread = _ReceiverThread(plan, bridge, wishes, crashes, collector)  # the door opens while Qt gets ready
    try:
        QLoggingCategory.setFilterRules(_NOISE)
        app = make_application(drawn)
        collector.start()
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
            crashes.watch_tasks(runner.get_loop(), plan.front)
            runner.run(_live(app, thread, early))
    finally:
        thread.stop()


def make_application(drawn: Callable[[], None]) -> QApplication:
    """Make Qt's application, which outlives its windows; `drawn` is called when Qt has the screen."""
    app = QApplication(["trayalert", *theme_arguments()])
    drawn()
    follow_desktop(app)
    app.setApplicationName("trayalert")
    app.setDesktopFileName("trayalert")
    app.setQuitOnLastWindowClosed(False)
    return app


async def _live(app: QApplication, thread: _ReceiverThread, early: list[int]) -> None:
    receiver, wishes = thread.receiver, thread.wishes
    ending = asyncio.Event()
    end_on_signals(ending)
    if early:
        ending.set()
    quit_filter = _QuitFilter()
    quit_filter.quit_wanted.connect(ending.set)
    app.installEventFilter(quit_filter)

    def notifier_problem() -> str | None:
        return notifying.notifier.problem

    def pause(until: Millis | None) -> None:
        notifying.pause(until)

    def refresh() -> None:
        front.refresh()

    def show_window(select: int | None = None) -> None:
        notifying.window_seen()
        front.show_window(select)

    def show(what: str) -> None:
        if what == "guide":
            front.show_guide()
        else:
            show_window()

    desk = LiveDesk(
        thread.plan, receiver, thread.crashes, notifier_problem=notifier_problem, pause=pause, quit_=ending.set
    )
    notifying = Notifying(desk, show_window=show_window, refresh=refresh)
    # before the front: a notification is sent sooner than a picture is drawn
    thread.bridge.arrived.connect(notifying.take)
    plan = thread.plan
    front = Front(desk, thread.bridge, guide_wanted=plan.guide or _first_run(plan, desk))
    front.tray.window_wanted.connect(notifying.window_seen)
    front.advised.connect(notifying.tell_no_tray)
    wishes.show.connect(show, Qt.ConnectionType.QueuedConnection)
    front.start(minimised=plan.minimised)
    door, way_in = receiver.door, receiver.way_in
    # what was announced before anybody here listened
    early_events: list[Event] = [
        LogChanged(receiver.log_state),
        DoorChanged(door.host, door.port, door.problem),
        ReachChanged(receiver.reach),
    ]
    notifying.take([*early_events, *([way_in.url_changed] if way_in.url_changed else [])])
    notifying.tell_settings(plan.problems)
    notifying.tell_crashes(thread.crashes.sentences())
    if wishes.wanted:
        show(wishes.wanted)
    await notifying.notifier.start()
    await ending.wait()
    end_once()
    app.removeEventFilter(quit_filter)
    await notifying.notifier.stop()
    front.stop()
    desk.close()


def _first_run(plan: Plan, desk: LiveDesk) -> bool:
    """Whether nobody has said yet how Cloud Monitor gets here, nor closed the guide, and somebody looks."""
    settings = plan.settings
    known = settings.public_url or settings.tunnel or plan.problems or plan.places.settings.exists()
    return not (known or plan.minimised or desk.recall("guide"))


def _early_signals() -> list[int]:
    """Return a list that gets the signals to end that come before the loop runs: the door is open by then."""
    early: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: early.append(number))
    return early


def end_on_signals(ending: asyncio.Event) -> None:
    """Set the event when the system, or the person at a terminal, wants the program to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ending.set))
        else:
            loop.add_signal_handler(number, ending.set)
