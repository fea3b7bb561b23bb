"""A control: a trayalert that answers 200 before the commit, so that a kill can lose a callback that got a 200."""

import asyncio

from trayalert.cli import main
from trayalert.domain.callback import Callback
from trayalert.services.inbox import Inbox

_receive = Inbox.receive
_pending: set["asyncio.Task[bool]"] = set()


async def _receive_early(self: Inbox, callback: Callback) -> bool:
    task = asyncio.create_task(_receive(self, callback))
    _pending.add(task)
    task.add_done_callback(_pending.discard)
    return True


if __name__ == "__main__":
    setattr(Inbox, "receive", _receive_early)  # noqa: B010 - mypy rejects an assignment to a method
    main()
