"""`trayalert serve`: the receiver on the main thread, with no Qt."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from trayalert.app.diagnostics.crashes import Crashes
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.events import DoorChanged, Event
from trayalert.services.presentation.status import address


def announce_door(events: Sequence[Event]) -> None:
    """Print the line that says where the door is open, as scripts wait for it."""
    for event in events:
        if isinstance(event, DoorChanged) and event.problem is None and event.opened:
            try:
                print(f"listening on {address(event.host, event.port, tls=event.tls)}", flush=True)  # noqa: T201 - the contract's line
            except OSError:  # a pipe or a terminal that has gone: nobody reads it, and callbacks come all the same
                _let_stdout_go()


def _let_stdout_go() -> None:
    """Send to nowhere what stdout still holds, or the flush at the end would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def end_once() -> None:
    """Let a second signal not cut the end short: it is under way, and the status is to be 0. On the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform != "win32":
            asyncio.get_running_loop().remove_signal_handler(number)  # closing the loop would set the default again
        signal.signal(number, signal.SIG_IGN)


def serve(plan: Plan) -> None:
    """Receive until SIGTERM or SIGINT. Raise LogFault or DoorFault where it cannot begin, Crashed for a bug."""
    crashes = Crashes(plan.places.crashes, plan.secrets.mask)
    with crashes.watching(plan.front):
        asyncio.run(_serve(plan, crashes))


async def _serve(plan: Plan, crashes: Crashes) -> None:
    loop = asyncio.get_running_loop()
    crashes.watch_tasks(loop, plan.front)
    receiver = Receiver(plan, announce=announce_door)
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: receiver.end())
        else:
            loop.add_signal_handler(number, receiver.end)
    await receiver.run()
    end_once()
