"""The receiver: everything that must go on when the UI stands still, on one asyncio loop of its own. No Qt.

`trayalert serve` runs it on the main thread, the tray application on a second one. The door opens last, closes first.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trayalert.app.clock import now, ticks
from trayalert.app.control import Answer, ControlFault, Wish, open_control
from trayalert.app.doorway import Doorway
from trayalert.app.places import Places
from trayalert.domain.events import DoorChanged, Event, LogChanged, ResolveFailed
from trayalert.domain.fault import Fault
from trayalert.domain.log_state import LogState
from trayalert.domain.settings import Settings
from trayalert.listener.counts import DoorCounts
from trayalert.listener.self_check import parser_kind
from trayalert.services.inbox import Inbox
from trayalert.services.keeping import Keeping
from trayalert.services.probing import probing_words, turned_away_words
from trayalert.services.rereading import read_some_again
from trayalert.services.secrets import Secrets
from trayalert.services.status import Door, Running
from trayalert.storage.faults import LogFault

_TRY_AGAIN = 2.0
"""Seconds until what could not be opened is tried again."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a receiver is to do. `front` is "tray" or "serve"."""

    places: Places
    settings: Settings
    problems: tuple[str, ...]
    secrets: Secrets
    front: str


class Receiver:
    """Made and run on one asyncio loop. `door`, `end` and `resolve` are for any thread; `show` raises the window.

    With a `show` there is a person who sees that the door is shut or that the log cannot be opened: it is tried again.
    Without one, that is the end: LogFault is raised where the log cannot be opened. `no_control` says why commands of
    other processes are not heard.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        announce: Callable[[Sequence[Event]], None],
        show: Callable[[], None] | None = None,
    ) -> None:
        self._plan = plan
        self._announce = announce
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._doorway = Doorway(plan.settings, plan.secrets, plan.places.access_log, tell=self._tell)
        self._broken: Door | None = None
        self._note: str | None = None
        self._inbox: Inbox | None = None
        self._keeping: Keeping | None = None
        self._control: asyncio.AbstractServer | None = None
        self.no_control: str | None = None
        self._logless = LogState()
        try:
            self._inbox = self._opened()
        except LogFault as fault:
            if show is None:
                raise
            self._miss_log(fault)

    @property
    def door(self) -> Door:
        """How the door is, for any thread."""
        return self._broken or self._doorway.door

    @door.setter
    def door(self, door: Door) -> None:
        """Say that the door is shut, as the receiver has stopped."""
        self._broken = door

    @property
    def door_counts(self) -> DoorCounts:
        """What the door has counted, for any thread."""
        return self._doorway.counts

    @property
    def log_state(self) -> LogState:
        """How the log is, for any thread."""
        return self._inbox.log_state if self._inbox else self._logless

    async def run(self) -> None:
        """Receive until `end`, then close all. Raise DoorFault where the door cannot be opened (with no `show`)."""
        fault: Fault | None = None
        try:
            await self._hear_commands()
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._receive()), tasks.create_task(self._hear_commands_again())]
                await self._ending.wait()
                for task in running:
                    task.cancel()
        except* Fault as faults:
            fault = _first(faults)  # raised below: what is raised here, some versions of Python 3.11 put into a group
        finally:
            await self._doorway.close()
            if self._control:
                self._control.close()
                with contextlib.suppress(OSError):  # its folder may not be written any more
                    self._plan.places.socket.unlink(missing_ok=True)
            if self._inbox:
                await self._inbox.close()
        if fault:
            raise fault from None

    def end(self) -> None:
        """End in good order."""
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._ending.set)

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; the event tells when it is done."""
        resolving = self._resolve(incident_id)
        try:
            asyncio.run_coroutine_threadsafe(resolving, self._loop)
        except RuntimeError:  # its loop is closed
            resolving.close()
            self._announce([ResolveFailed(incident_id, "The receiver has stopped. Restart trayalert.")])

    def verify(self) -> None:
        """Look the log over, because somebody could not read it."""
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self._verify)

    def _verify(self) -> None:
        if self._inbox:
            self._inbox.verify()

    async def _resolve(self, incident_id: int) -> None:
        try:
            await self._wanted_inbox().resolve(incident_id, now=now())
        except LogFault as fault:
            _logger.error("incident %d could not be marked recovered: %s", incident_id, fault)
            self._announce([ResolveFailed(incident_id, str(fault))])
        except Exception as error:  # nobody waits for this task, and the person must hear of it
            _logger.exception("incident %d could not be marked recovered", incident_id)
            self._announce([ResolveFailed(incident_id, f"trayalert failed at it: {error!r}")])

    def _opened(self) -> Inbox:
        inbox = Inbox(self._plan.places.log)
        inbox.subscribe(self._announce)
        return inbox

    def _miss_log(self, fault: LogFault) -> None:
        if str(fault) not in self._logless.problems:
            _logger.error("%s Trying again every %g s.", fault, _TRY_AGAIN)
            self._logless = LogState(storing=False, problems=(str(fault),))
            self._announce([LogChanged(self._logless)])

    def _wanted_inbox(self) -> Inbox:
        """Return the inbox. Raise LogFault while there is none, as the log cannot be opened."""
        if self._inbox is None:
            raise LogFault(" ".join(self._logless.problems))
        return self._inbox

    async def _hear_commands(self) -> None:
        """Open the control socket. It is a comfort: where a person sees that it is missing, callbacks come first."""
        before = self.no_control
        try:
            self._control = await open_control(self._plan.places.socket, self._answer)
            self.no_control = None
        except ControlFault as fault:
            if self._show is None:
                raise
            self.no_control = str(fault)
            if before != self.no_control:
                _logger.error("%s Trying again every %g s.", fault, _TRY_AGAIN)
        if before != self.no_control:
            self._announce([LogChanged(self.log_state)])

    async def _hear_commands_again(self) -> None:
        while self.no_control:
            await asyncio.sleep(_TRY_AGAIN)
            await self._hear_commands()

    async def _receive(self) -> None:
        """Open the log where that is still to be done, then the door."""
        while self._inbox is None:
            await asyncio.sleep(_TRY_AGAIN)
            try:
                self._inbox = self._opened()
            except LogFault as fault:
                self._miss_log(fault)
            else:
                self._announce([LogChanged(self.log_state)])
        async with asyncio.TaskGroup() as tasks:
            self._keeping = Keeping(self._inbox, self._plan.places.log, self._plan.settings, now=now, ticks=ticks)
            tasks.create_task(self._keeping.run())
            tasks.create_task(self._doorway.open(self._inbox.receive, patient=self._show is not None))

    def _tell(self, door: Door) -> None:
        opened = door.open and door.note == self._note
        self._note = door.note
        self._announce([DoorChanged(door.host, door.port, door.problem, tls=door.tls, opened=opened)])

    async def _answer(self, wish: Wish) -> Answer:
        """Answer a command of another process."""
        match wish:
            case {"do": "status"}:
                return {"running": asdict(self._running())}
            case {"do": "rotate" | "add secret" | "remove secret" | "keep secrets"}:
                self._plan.secrets.do(wish, now=now())
            case {"do": "verify"}:
                self._verify()
            case {"do": "resolve" | "reparse" | "backup"}:
                return {"done": await self._change(wish)}
            case {"do": "show"}:
                if self._show:
                    self._show()
                return {"done": self._show is not None}
            case _:
                return {"error": f"the running trayalert does not know {wish.get('do')!r}; it may be older: restart it"}
        return {"done": True}

    async def _change(self, wish: Wish) -> Any:
        """Change the log as another process wishes; return what came of it."""
        match wish:
            case {"do": "resolve", "id": int(number)}:
                return await self._wanted_inbox().resolve(number, now=now())
            case {"do": "reparse", "anew": bool(anew)}:
                return asdict(await read_some_again(self._wanted_inbox(), now=now(), anew=anew))
            case _:
                return await self._back_up()

    async def _back_up(self) -> str:
        if self._keeping is None:
            raise LogFault(" ".join(self._logless.problems) or "the log is being opened; ask again")
        return str((await self._keeping.back_up()).path)

    def _running(self) -> Running:
        counts = self.door_counts
        return Running(
            front=self._plan.front,
            pid=os.getpid(),
            http_parser=parser_kind(),
            door=self.door,
            door_counts=asdict(counts),
            probing=probing_words(counts.probes, counts.last_probe_at, counts.last_probe_from, now=now()),
            turned_away=turned_away_words(
                counts.turned_away, counts.last_turned_away_at, counts.last_turned_away_why, now=now()
            ),
            log_state=self.log_state,
        )


def _first(faults: BaseExceptionGroup[Fault]) -> Fault:
    """Return the first fault of a group of groups."""
    first = faults.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
