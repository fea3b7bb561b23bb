"""What the app wants of a desktop notifier, and the queue that each of them has.

Its rule: no call waits and none raises. Whether notifications can be shown at all is a property that changes while the
program runs, and a sentence for the person says why not.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from trayalert.domain.notification import Notice, Show, Wish, Withdraw

MOST_WAITING = 50

logger = logging.getLogger(__name__)


class Notifier(Protocol):
    """Shows notices on the desktop. It is made, used and stopped on the main thread's loop."""

    @property
    def available(self) -> bool:
        """Whether a notice would be shown now."""
        ...

    @property
    def problem(self) -> str | None:
        """A sentence about what is wrong, None when nothing is."""
        ...

    async def start(self) -> None:
        """Find out what can be shown; from now on notices are taken."""
        ...

    def show(self, notice: Notice) -> None:
        """Show it in place of an earlier one with its tag, as soon as that can be."""
        ...

    def withdraw(self, tag: str, farewell: Notice | None = None) -> None:
        """Take away what is shown with that tag, after a short farewell where one is given."""
        ...

    async def stop(self) -> None:
        """Take away all that is shown, as clicking it would do nothing, and end."""
        ...


class Standing:
    """Whether notifications work, and why not; tells `on_change` and the logger once per change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.available = False
        self.problem: str | None = None
        self._on_change = on_change

    def become(self, *, available: bool, problem: str | None = None) -> None:
        """Set both; nothing is said where nothing changed."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()


class WishQueue:
    """Wishes that wait for the daemon, in their order: one per tag, the newest; never more than MOST_WAITING."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}

    def __len__(self) -> int:
        return len(self._wishes)

    def put(self, wish: Wish) -> None:
        """Add a wish, in the place of an older one with its tag. When full, the calmest is let go."""
        replaced = self._wishes.get(wish.tag)
        if isinstance(wish, Show) and wish.notice.quiet and isinstance(replaced, Show) and not replaced.notice.quiet:
            wish = Show(replace(wish.notice, quiet=False))
        self._wishes[wish.tag] = wish
        if len(self._wishes) > MOST_WAITING:
            del self._wishes[min(self._wishes.values(), key=_weight).tag]

    def put_back(self, wish: Wish) -> None:
        """Put a wish at the head that could not be carried out, unless its tag has a newer one."""
        if wish.tag not in self._wishes:
            self._wishes = {wish.tag: wish} | self._wishes

    def take(self) -> Wish:
        """Remove and return the oldest wish; there must be one."""
        return self._wishes.pop(next(iter(self._wishes)))

    def drop(self, tag: str) -> None:
        """Forget what waits with that tag."""
        self._wishes.pop(tag, None)


def _weight(wish: Wish) -> int:
    # a withdrawal that is lost leaves a lie on the screen: those go last
    return 100 if isinstance(wish, Withdraw) else wish.notice.level.rank
