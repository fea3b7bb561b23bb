"""The protocol that every callback source implements.

The rule: a source acknowledges a callback only after `receive` has returned True. True means that the callback is
stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trayalert.domain.callback import Receive


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether callbacks can arrive through a source.

    `problem` is a sentence that says why no callback can arrive. `problem` is None for a source that is receiving or
    starting.
    """

    receiving: bool
    problem: str | None = None


class Source(Protocol):
    """A source of callbacks. The source runs on the receiver's asyncio event loop (`app/receiver.py`).

    If the `state` of any source has a `problem`, trayalert is blind.
    """

    @property
    def name(self) -> str:
        """The name of the source in the program log. No two sources have the same name."""

    @property
    def state(self) -> SourceState:
        """The current state of the source. Any thread may read this property."""

    async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
        """Receive callbacks until this coroutine is cancelled. Then finish the callbacks that are being received.

        Call `on_change` whenever `state` changes. After a failure that may be temporary, try again. If this method
        raises an exception or returns, the receiver ends.
        """
