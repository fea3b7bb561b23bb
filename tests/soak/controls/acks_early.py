"""A control: trayalert, broken so that it answers 200 before the commit. What is acked can be lost by a kill."""

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
    setattr(Inbox, "receive", _receive_early)  # noqa: B010 - mypy takes no assignment to a method
    main()
