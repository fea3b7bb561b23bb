"""The tray application: Qt and asyncio share the main thread, and the receiver runs on a second thread.

The receiver never waits for the main thread. To quit, the application sets an `asyncio.Event`. Qt's own quit would end
the event loop while coroutines are still running.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import qasync
from PySide6.QtCore import QLoggingCategory, QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from trayalert.app.backends.live_backend import live_backend
from trayalert.app.backends.log_view import LogView
from trayalert.app.control.control_replies import REPLIES
from trayalert.app.desktop_notifications import DesktopChannel, DesktopNotifications
from trayalert.app.diagnostics.crashes import CrashFiles, innermost
from trayalert.app.garbage_collector import GarbageCollector
from trayalert.app.headless import ignore_further_signals, print_address
from trayalert.app.qt_application import QuitFilter, collect_early_signals, make_application, set_on_signals
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.events import Event, ListenerChanged
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis
from trayalert.services.notify.dispatcher import NotificationDispatcher
from trayalert.ui.backend import Backend
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi

_LOG_FILTER_RULES = "qt.qpa.theme.*.warning=false\nqt.qpa.services.warning=false"
"""Qt logging rules that silence warnings about a missing XDG desktop portal, which trayalert does not need."""


class _ShowRequests(QObject):
    """Lets any thread request that the main thread shows a window.

    `last` is the most recently requested window ("window" or "setup"), or None. After the main thread has connected the
    signal `show`, it reads `last`, because earlier requests reached no slot.
    """

    show = Signal(str)
    last: str | None = None

    def request(self, what: str) -> None:
        self.last = what
        self.show.emit(what)


class _ReceiverThread:
    """The thread that runs the receiver on an asyncio event loop."""

    def __init__(
        self,
        plan: Plan,
        *,
        bridge: EventBridge,
        channel: DesktopChannel,
        show_requests: _ShowRequests,
        crashes: CrashFiles,
        collector: GarbageCollector,
    ) -> None:
        self.plan = plan
        self.bridge = bridge
        self.channel = channel
        self.show_requests = show_requests
        self.crashes = crashes
        self.collector = collector
        self._started: Future[tuple[Receiver, NotificationDispatcher]] = Future()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    @property
    def receiver(self) -> Receiver:
        """The receiver. Reading this property blocks until the receiver has been created.

        If the creation of the receiver fails, reading this property raises the exception of the creation.
        """
        return self._started.result()[0]

    @property
    def dispatcher(self) -> NotificationDispatcher:
        """The receiver's dispatcher. Reading this property blocks until the receiver has been created.

        If the creation of the receiver fails, reading this property raises the exception of the creation.
        """
        return self._started.result()[1]

    def stop(self) -> None:
        """Ask the receiver to shut down cleanly, and block until the receiver's thread has ended."""
        if self._started.done() and not self._started.exception():
            self.receiver.end()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._receive())
        except BaseException as error:  # noqa: BLE001 - reported by the main thread or in the tray
            if not self._started.done():
                self._started.set_exception(error)
                return
            cause = innermost(error)
            reason = str(cause) or type(cause).__name__
            problem = Phrase("The receiver has stopped: {reason}. Restart trayalert.", reason=reason)
            self.receiver.stop_problem = problem
            listener = self.receiver.listener_state
            self.bridge.put([ListenerChanged(listener.host, listener.port, problem)])
            self.crashes.report_error(self.plan.mode, error, "the receiver has stopped")

    async def _receive(self) -> None:
        self.collector.watch(asyncio.get_running_loop())
        self.crashes.watch_tasks(asyncio.get_running_loop(), self.plan.mode)
        receiver = Receiver(self.plan, announce=self._announce, replies=REPLIES, show=self.show_requests.request)
        dispatcher = receiver.attach(self.channel, available=False)
        self._started.set_result((receiver, dispatcher))
        await receiver.run()

    def _announce(self, events: Sequence[Event]) -> None:
        print_address(events)
        self.bridge.put(events)


def run_desktop(plan: Plan, *, on_screen_open: Callable[[], None]) -> int:
    """Run the tray application until it quits, and return the exit status 0.

    After an unexpected exception, close the receiver and raise CrashFault. `on_screen_open` is called when Qt has
    connected to the screen.
    """
    crashes = CrashFiles(plan.places.crashes, plan.secrets.mask)
    with crashes.watching(plan.mode):
        _run(plan, crashes, on_screen_open)
    return 0


def _run(plan: Plan, crashes: CrashFiles, on_screen_open: Callable[[], None]) -> None:
    early_signals = collect_early_signals()
    collector = GarbageCollector()
    thread = _ReceiverThread(  # first, so that the listener opens while Qt is loading
        plan,
        bridge=EventBridge(),
        channel=DesktopChannel(),
        show_requests=_ShowRequests(),
        crashes=crashes,
        collector=collector,
    )
    try:
        QLoggingCategory.setFilterRules(_LOG_FILTER_RULES)
        app = make_application(on_screen_open)
        collector.start()
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
            crashes.watch_tasks(runner.get_loop(), plan.mode)
            runner.run(_run_ui(app, thread, early_signals))
    finally:
        thread.stop()


async def _run_ui(app: QApplication, thread: _ReceiverThread, early_signals: list[int]) -> None:
    receiver, show_requests = thread.receiver, thread.show_requests
    quit_event = asyncio.Event()
    set_on_signals(quit_event)
    if early_signals:
        quit_event.set()
    quit_filter = QuitFilter()
    quit_filter.quit_requested.connect(quit_event.set)
    app.installEventFilter(quit_filter)

    def notifier_problem() -> str | None:
        return notifications.notifier.problem

    def pause(until: Millis | None) -> None:
        notifications.pause(until)

    def refresh() -> None:
        main_ui.refresh()

    def show_window(select: int | None = None) -> None:
        notifications.mark_window_seen()
        main_ui.show_window(select)

    def show(what: str) -> None:
        if what == "setup":
            main_ui.show_setup_assistant()
        else:
            show_window()

    def show_that_receiver_stopped(events: Sequence[Event]) -> None:
        if receiver.stop_problem and any(isinstance(event, ListenerChanged) for event in events):
            notifications.on_receiver_stopped(receiver.stop_problem)

    plan, log = thread.plan, LogView(thread.plan.places.log, verify=receiver.verify)
    backend = live_backend(
        plan, receiver, log, thread.crashes, notifier_problem=notifier_problem, pause=pause, quit_=quit_event.set
    )
    notifications = DesktopNotifications(
        backend,
        thread.channel,
        thread.dispatcher,
        call_soon=receiver.call_soon,
        show_window=show_window,
        refresh=refresh,
    )
    thread.bridge.arrived.connect(show_that_receiver_stopped)
    if receiver.stop_problem:  # the receiver may have stopped before the signal was connected
        notifications.on_receiver_stopped(receiver.stop_problem)
    main_ui = MainUi(backend, thread.bridge, setup_requested=plan.show_setup or _first_run(plan, backend))
    main_ui.tray.window_requested.connect(notifications.mark_window_seen)
    main_ui.advised.connect(notifications.notify_no_tray)
    show_requests.show.connect(show, Qt.ConnectionType.QueuedConnection)
    main_ui.start(minimised=plan.minimised)
    notifications.notify_settings(plan.problems)
    notifications.notify_crashes(thread.crashes.sentences())
    if show_requests.last:
        show(show_requests.last)
    await notifications.notifier.start()
    await quit_event.wait()
    ignore_further_signals()
    app.removeEventFilter(quit_filter)
    await notifications.notifier.stop()
    main_ui.stop()
    log.close()


def _first_run(plan: Plan, backend: Backend) -> bool:
    """Return whether to open the setup assistant at the start.

    The setup assistant opens if there are no settings and no earlier run has opened it. A minimised start never opens
    the assistant, because the user may not be present.
    """
    settings = plan.settings
    configured = settings.public_url or settings.tunnel or plan.problems or plan.places.settings.exists()
    return not (configured or plan.minimised or backend.program.recall("setup"))
