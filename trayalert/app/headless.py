"""`trayalert serve`: the receiver on the main thread, without Qt."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trayalert.app.control.control_replies import REPLIES
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.events import Event, ListenerChanged
from trayalert.domain.listener_state import ListenerAddress
from trayalert.services.sources.source import Source

if TYPE_CHECKING:
    from trayalert.services.notify.dispatcher import Channel


def print_address(events: Sequence[Event]) -> None:
    """Print the address once the listener is open, as scripts wait for that line."""
    for event in events:
        if isinstance(event, ListenerChanged) and event.problem is None and event.opened:
            try:
                address = ListenerAddress(host=event.host, port=event.port, tls=event.tls)
                print(f"listening on {address.url}", flush=True)  # noqa: T201 - the contract's line
            except OSError:  # the pipe or terminal is gone; callbacks arrive all the same
                _discard_stdout()


def _discard_stdout() -> None:
    """Discard what stdout still holds, or the flush at the end would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def ignore_further_signals() -> None:
    """Ignore a second signal, which would cut the end short and change the status. On the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform != "win32":
            asyncio.get_running_loop().remove_signal_handler(number)  # closing the loop would set the default again
        signal.signal(number, signal.SIG_IGN)


def serve(plan: Plan, *, channels: Sequence["Channel"] = (), sources: Sequence[Source] = ()) -> None:
    """Receive until SIGTERM or SIGINT. Raise LogFault or ListenerFault if it cannot start, CrashFault for a bug.

    `channels` show notifications; `sources` are those besides the listener.
    """
    crashes = CrashFiles(plan.places.crashes, plan.secrets.mask)
    with crashes.watching(plan.mode):
        asyncio.run(_serve(plan, crashes, channels, sources))


async def _serve(plan: Plan, crashes: CrashFiles, channels: Sequence["Channel"], sources: Sequence[Source]) -> None:
    loop = asyncio.get_running_loop()
    crashes.watch_tasks(loop, plan.mode)
    receiver = Receiver(plan, announce=print_address, replies=REPLIES, sources=sources)
    for channel in channels:
        receiver.attach(channel)
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: receiver.end())
        else:
            loop.add_signal_handler(number, receiver.end)
    gc.freeze()  # a collection that looks at all that the start has made keeps every answer waiting for 16 ms
    await receiver.run()
    ignore_further_signals()
