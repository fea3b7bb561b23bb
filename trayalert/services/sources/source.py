"""A source of callbacks. Its one rule: it acknowledges a callback only after `receive` has said that it is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trayalert.domain.callback import Receive


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """Whether callbacks can arrive through a source. `problem`: a sentence that says why not; None while it starts."""

    receiving: bool
    problem: str | None = None


class Source(Protocol):
    """Runs on the receiver's loop. A source that cannot receive makes trayalert blind, for the reason in its state."""

    @property
    def name(self) -> str:
        """Return the name of the source in the program log; no two sources share one."""

    @property
    def state(self) -> SourceState:
        """Return the present state, on any thread."""

    async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
        """Receive until cancelled, then finish what is under way. Call `on_change` at each change of `state`.

        A source tries again by itself what may succeed later. What it raises ends the receiver, as does its return.
        """
