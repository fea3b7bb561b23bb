"""The receiver: everything that must go on when the UI stands still, on one asyncio loop of its own. No Qt.

`trayalert serve` runs it on the main thread, the tray application on a second one. The door opens last, closes first.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from trayalert.app.clock import now
from trayalert.app.control import Answer, Wish, open_control
from trayalert.app.places import Places
from trayalert.domain.events import DoorChanged, Event
from trayalert.domain.settings import Settings
from trayalert.listener.server import DoorFault, Listener, open_door, parser_kind
from trayalert.services.inbox import Inbox
from trayalert.services.secrets import Secrets
from trayalert.services.status import Door, Running
from trayalert.storage.faults import NotStored

_TRY_DOOR_AGAIN = 5.0
"""Seconds until a door that could not be opened is tried again."""

_EXPIRE_EVERY = 60.0

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

    With a `show` there is a person who sees that the door is shut: it is tried again. Without one, that is the end.
    Raises LogFault where the log cannot be opened.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        announce: Callable[[Sequence[Event]], None],
        show: Callable[[], None] | None = None,
    ) -> None:
        self.door = Door(host=plan.settings.host, port=plan.settings.port, open=False)
        self._plan = plan
        self._announce = announce
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._listener: Listener | None = None
        self._inbox = Inbox(plan.places.log)
        self._inbox.subscribe(announce)

    async def run(self) -> None:
        """Receive until `end`, then close all. Raise DoorFault where the door cannot be opened (with no `show`)."""
        control = None
        try:
            control = await open_control(self._plan.places.socket, self._answer)
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._expire()), tasks.create_task(self._open())]
                await self._ending.wait()
                for task in running:
                    task.cancel()
        except* DoorFault as faults:
            raise faults.exceptions[0] from None
        finally:
            if self._listener:
                await self._listener.close()
            if control:
                control.close()
                self._plan.places.socket.unlink(missing_ok=True)
            await self._inbox.close()

    def end(self) -> None:
        """End in good order."""
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._ending.set)

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; the event tells when it is done."""
        asyncio.run_coroutine_threadsafe(self._resolve(incident_id), self._loop)

    async def _resolve(self, incident_id: int) -> None:
        try:
            await self._inbox.resolve(incident_id, now=now())
        except NotStored as fault:
            _logger.error("incident %d could not be marked recovered: %s", incident_id, fault)

    async def _open(self) -> None:
        settings = self._plan.settings
        while True:
            try:
                self._listener = await open_door(
                    settings.host, settings.port, opens=self._opens, receive=self._inbox.receive
                )
            except DoorFault as fault:
                if self._show is None:
                    raise
                if self.door.problem != str(fault):
                    _logger.warning("%s Trying again every %g s.", fault, _TRY_DOOR_AGAIN)
                self._tell(Door(host=settings.host, port=settings.port, open=False, problem=str(fault)))
                await asyncio.sleep(_TRY_DOOR_AGAIN)
            else:
                self._tell(Door(host=self._listener.host, port=self._listener.port, open=True))
                return

    def _tell(self, door: Door) -> None:
        if door != self.door:
            self.door = door
            self._announce([DoorChanged(door.host, door.port, door.problem)])

    def _opens(self, offered: bytes) -> bool:
        return self._plan.secrets.opens(offered, now=now())

    async def _expire(self) -> None:
        while True:
            try:
                await self._inbox.expire(now=now())
            except NotStored as fault:
                _logger.error("%s", fault)
            await asyncio.sleep(_EXPIRE_EVERY)

    async def _answer(self, wish: Wish) -> Answer:
        """Answer a command of another process."""
        match wish:
            case {"do": "status"}:
                running = Running(front=self._plan.front, pid=os.getpid(), http_parser=parser_kind(), door=self.door)
                return {"running": asdict(running)}
            case {"do": "resolve", "id": int(number)}:
                return {"done": await self._inbox.resolve(number, now=now())}
            case {"do": "rotate", "grace": int(grace)}:
                self._plan.secrets.rotate(grace=grace, now=now())
                return {"done": True}
            case {"do": "show"}:
                if self._show:
                    self._show()
                return {"done": self._show is not None}
            case _:
                return {"error": f"the running trayalert does not know {wish.get('do')!r}; it may be older: restart it"}
