"""A source of callbacks.

The one rule for sources: a source acknowledges a callback only after `receive` has returned True, which means that the
callback is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trayalert.domain.callback import Receive


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether callbacks can arrive through a source.

    `problem` is a sentence that says why no callback can arrive. While the source is starting, `problem` is None.
    """

    receiving: bool
    problem: str | None = None


class Source(Protocol):
    """Something that callbacks come from. A source runs on the receiver's asyncio loop.

    While a source cannot receive, trayalert is blind, and the reason is the `problem` of the source's state.
    """

    @property
    def name(self) -> str:
        """Return the name of the source in the program log. No two sources have the same name."""

    @property
    def state(self) -> SourceState:
        """Return the present state. Any thread may call this method."""

    async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
        """Receive callbacks until cancelled, then finish the callbacks that are being received.

        Call `on_change` whenever `state` changes. A failure that may go away is handled by trying again. If this method
        raises or returns, the receiver ends.
        """
