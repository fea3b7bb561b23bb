"""The receiver: everything that must go on when the UI stands still, on one asyncio loop of its own. No Qt.

`trayalert serve` runs it on the main thread, the tray application on a second one. The door opens last, closes first.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from trayalert.app.connectivity import WayIn
from trayalert.app.control.control_protocol import Answer, ControlFault, Wish, open_control
from trayalert.app.control.control_replies import answer
from trayalert.app.listener_lifecycle import Doorway
from trayalert.app.platform.clock import now, ticks
from trayalert.app.platform.places import Places
from trayalert.app.platform.state_store import Remembered
from trayalert.domain.events import DoorChanged, Event, LogChanged, ResolveFailed
from trayalert.domain.fault import Fault
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.settings.settings import Settings
from trayalert.services.access.secrets import Secrets
from trayalert.services.heartbeat.watcher import Expecting
from trayalert.services.inbox import Inbox
from trayalert.services.maintenance.scheduler import Keeping
from trayalert.services.presentation.status import Door
from trayalert.services.reachability.downtime import Gapkeeping
from trayalert.storage.faults import LogFault

_TRY_AGAIN = 2.0
"""Seconds until what could not be opened is tried again."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be run. `front` is "tray" or "serve"; `minimised` shows no window at the start, `guide` the guide."""

    places: Places
    settings: Settings
    problems: tuple[str, ...]
    secrets: Secrets
    front: str
    minimised: bool = False
    guide: bool = False


class Receiver:
    """Made and run on one asyncio loop. What is not said to be the loop's is for any thread.

    `show` raises the window, or what else it is told.

    With a `show` there is a person who sees that the door is shut or that the log cannot be opened: it is tried again.
    Without one, that is the end: LogFault is raised where the log cannot be opened. `no_control` says why commands of
    other processes are not heard.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        announce: Callable[[Sequence[Event]], None],
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.plan = plan
        self.show = show
        self.inbox: Inbox | None = None
        """None while the log cannot be opened. The loop's."""
        self.keeping: Keeping | None = None
        """The loop's."""
        self.announce = announce
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._door_opened = asyncio.Event()
        self.remembered = Remembered(plan.places.remembered)
        self.way_in = WayIn(plan.settings, self.remembered, announce=announce, mask=plan.secrets.mask)
        self.doorway = Doorway(
            plan.settings,
            plan.secrets,
            plan.places.access_log,
            tell=self._tell,
            tell_refused=lambda refused: self.announce([refused]),
            self_probe=self.way_in.self_probe,
        )
        self._broken: Door | None = None
        self._note: str | None = None
        self._gaps: Gapkeeping | None = None
        self._control: asyncio.AbstractServer | None = None
        self.no_control: str | None = None
        self.metrics_port: int | None = None
        self.metrics_problem: str | None = None
        self._logless = LogState()
        try:
            self._open_log()
        except LogFault as fault:
            if show is None:
                raise
            self._miss_log(fault)

    @property
    def door(self) -> Door:
        """How the door is, for any thread."""
        return self._broken or self.doorway.door

    @door.setter
    def door(self, door: Door) -> None:
        """Say that the door is shut, as the receiver has stopped."""
        self._broken = door

    @property
    def reach(self) -> ReachState:
        """Whether the outside can reach us, for any thread."""
        if self._broken:
            return ReachState(reach=Reach.BLIND, why=self._broken.problem)
        return self.way_in.reach

    @property
    def log_state(self) -> LogState:
        """How the log is, for any thread."""
        return self.inbox.log_state if self.inbox else self._logless

    async def run(self) -> None:
        """Receive until `end`, then close all. Raise DoorFault where the door cannot be opened (with no `show`)."""
        fault: Fault | None = None
        try:
            await self._hear_commands()
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(work)
                    for work in (self._receive(), self._hear_commands_again(), self.way_in.run(), self._measure())
                ]
                await self._ending.wait()
                await self.doorway.close()
                for task in running:
                    task.cancel()
        except* Fault as faults:
            fault = _first(faults)  # raised below: what is raised here, some versions of Python 3.11 put into a group
        finally:
            await self.doorway.close()
            if self._control:
                self._control.close()
                with contextlib.suppress(OSError):  # its folder may not be written any more
                    self.plan.places.socket.unlink(missing_ok=True)
            if self._gaps:
                await self._gaps.close()
            if self.inbox:
                await self.inbox.close()
        if fault:
            raise fault from None

    def end(self) -> None:
        """End in good order."""
        self.soon(self._ending.set)

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; the event tells when it is done."""
        resolving = self._resolve(incident_id)
        try:
            asyncio.run_coroutine_threadsafe(resolving, self._loop)
        except RuntimeError:  # its loop is closed
            resolving.close()
            self.announce([ResolveFailed(incident_id, "The receiver has stopped. Restart trayalert.")])

    def verify(self) -> None:
        """Look the log over, because somebody could not read it."""
        self.soon(lambda: self.inbox.verify() if self.inbox else None)

    def soon(self, work: Callable[[], object]) -> None:
        """Have it done on the receiver's loop."""
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(work)

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin it on the receiver's loop; it tells by itself what comes of it."""
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # its loop is closed
            work.close()

    async def _resolve(self, incident_id: int) -> None:
        try:
            await self.wanted_inbox().resolve(incident_id, now=now())
        except LogFault as fault:
            _logger.error("incident %d could not be marked recovered: %s", incident_id, fault)
            self.announce([ResolveFailed(incident_id, str(fault))])
        except Exception as error:  # nobody waits for this task, and the person must hear of it
            _logger.exception("incident %d could not be marked recovered", incident_id)
            self.announce([ResolveFailed(incident_id, f"trayalert failed at it: {error!r}")])

    def _open_log(self) -> None:
        self.inbox = Inbox(self.plan.places.log)
        self.inbox.subscribe(self.announce)
        self.inbox.subscribe(self._hear)
        self.way_in.log_is(self.inbox.log_state)
        self._gaps = Gapkeeping(self.inbox, self.plan.places.alive, now=now)
        self.way_in.keep_gaps(self._gaps)

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged):
                self.way_in.log_is(event.state)

    def _miss_log(self, fault: LogFault) -> None:
        if str(fault) not in self._logless.problems:
            _logger.error("%s Trying again every %g s.", fault, _TRY_AGAIN)
            self._logless = LogState(storing=False, problems=(str(fault),))
            self.way_in.log_is(self._logless)
            self.announce([LogChanged(self._logless)])

    def wanted_inbox(self) -> Inbox:
        """Return the inbox, on the loop. Raise LogFault while there is none, as the log cannot be opened."""
        if self.inbox is None:
            raise LogFault(" ".join(self._logless.problems))
        return self.inbox

    async def _hear_commands(self) -> None:
        """Open the control socket. It is a comfort: where a person sees that it is missing, callbacks come first."""
        before = self.no_control
        try:
            self._control = await open_control(self.plan.places.socket, self._answer)
            self.no_control = None
        except ControlFault as fault:
            if self.show is None:
                raise
            self.no_control = str(fault)
            if before != self.no_control:
                _logger.error("%s Trying again every %g s.", fault, _TRY_AGAIN)
        if before != self.no_control:
            self.announce([LogChanged(self.log_state)])

    async def _hear_commands_again(self) -> None:
        while self.no_control:
            await asyncio.sleep(_TRY_AGAIN)
            await self._hear_commands()

    async def _receive(self) -> None:
        """Open the log where that is still to be done, then the door."""
        while self.inbox is None:
            await asyncio.sleep(_TRY_AGAIN)
            try:
                self._open_log()
            except LogFault as fault:
                self._miss_log(fault)
            else:
                self.announce([LogChanged(self.log_state)])
        assert self._gaps  # noqa: S101 - made with the inbox
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._gaps.run())
            tasks.create_task(self._expecting(self.inbox).run())
            self.keeping = Keeping(self.inbox, self.plan.places.log, self.plan.settings, now=now, ticks=ticks)
            tasks.create_task(self.keeping.run())
            tasks.create_task(self.doorway.open(self.inbox.receive, patient=self.show is not None))

    def _expecting(self, inbox: Inbox) -> Expecting:
        plan = self.plan
        return Expecting(
            inbox,
            plan.places.log,
            plan.settings.expected,
            now=now,
            ticks=ticks,
            memory=self.remembered,
            sound=not plan.problems,
        )

    async def _measure(self) -> None:
        """Tell Prometheus, where the settings name a port for it."""
        port = self.plan.settings.metrics_port
        if port is None:
            return
        await self._door_opened.wait()  # one that was given the door's port must not take it
        from trayalert.app.program_metrics import Measuring  # noqa: PLC0415 - off by default, and not for nothing
        from trayalert.listener.metrics import keep_metrics  # noqa: PLC0415

        measuring = Measuring(
            self.plan.places.log,
            front=self.plan.front,
            ticks=ticks,
            counts=lambda: self.doorway.counts,
            storing=lambda: self.log_state.storing,
            reach=lambda: self.reach,
            tunnel=lambda: self.way_in.tunnel,
        )
        await keep_metrics(port, measured=measuring.measured, healthy=self._healthy, tell=self._metrics_are)

    def _healthy(self) -> tuple[bool, str]:
        """Whether all is well; unknown reach is no illness where nothing is there to prove it."""
        reach = self.reach
        return reach.reach is not Reach.BLIND and self.door.open, reach.why or "ok"

    def _metrics_are(self, port: int | None, problem: str | None) -> None:
        self.metrics_port, self.metrics_problem = port, problem
        self.announce([LogChanged(self.log_state)])

    async def _answer(self, wish: Wish) -> Answer:
        return await answer(wish, self)

    def _tell(self, door: Door) -> None:
        opened = door.open and door.note == self._note
        self._note = door.note
        self.way_in.door_is(door)
        if door.open:
            self._door_opened.set()
        self.announce([DoorChanged(door.host, door.port, door.problem, tls=door.tls, opened=opened)])


def _first(faults: BaseExceptionGroup[Fault]) -> Fault:
    """Return the first fault of a group of groups."""
    first = faults.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
