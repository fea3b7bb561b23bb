"""`trayalert serve`: runs the receiver on the main thread, without Qt."""

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
    """Print the listener's address if `events` say that the listener has opened. Scripts wait for this line."""
    for event in events:
        if isinstance(event, ListenerChanged) and event.problem is None and event.opened:
            try:
                address = ListenerAddress(host=event.host, port=event.port, tls=event.tls)
                print(f"listening on {address.url}", flush=True)  # noqa: T201 - scripts rely on this line
            except OSError:  # the pipe or terminal was closed, which must not end the receiver
                _discard_stdout()


def _discard_stdout() -> None:
    """Redirect the closed stdout to the null device, so that Python's flush of stdout at exit does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def ignore_further_signals() -> None:
    """Ignore SIGTERM and SIGINT from now on. Main thread only.

    A second signal would interrupt the clean shutdown and change the exit status.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform != "win32":
            # removed now: if closing the loop removed the handler, it would also replace SIG_IGN with the default
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def serve(plan: Plan, *, channels: Sequence["Channel"] = (), sources: Sequence[Source] = ()) -> None:
    """Receive callbacks until the process receives SIGTERM or SIGINT.

    Raise LogFault, ControlFault or ListenerFault if the receiver cannot start, and CrashFault after an unexpected
    exception. `channels` are the channels that show notifications, if there are any. `sources` are callback sources in
    addition to the listener.
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
    gc.freeze()  # if a collection visited all objects from the start-up, it would delay answers by 16 ms
    await receiver.run()
    ignore_further_signals()
