"""A control: a trayalert with bugs that raise exceptions whose messages contain the secret."""

import asyncio
import json
import sys
from pathlib import Path

from trayalert.cli import main
from trayalert.domain.callback import Callback
from trayalert.services.inbox import Inbox

_receive = Inbox.receive


def _raise(words: str) -> None:
    raise RuntimeError(words)


async def _fall(self: Inbox, callback: Callback) -> bool:
    if b"fall" in callback.body:
        folder = Path(sys.argv[sys.argv.index("--data-dir") + 1])
        secret = json.loads((folder / "secrets.json").read_text())["secrets"][0]["value"]
        asyncio.get_running_loop().call_soon(_raise, f"no task for /hook/{secret}")  # ends up in the crash files
        _raise(f"no answer for /hook/{secret}")  # ends up in the program log
    return await _receive(self, callback)


if __name__ == "__main__":
    setattr(Inbox, "receive", _fall)  # noqa: B010 - mypy rejects an assignment to a method
    main()
