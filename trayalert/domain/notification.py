"""A desktop notification, and the two requests about it: show one, withdraw one.

Each text is one printable line (`domain/text.py`); the notifier escapes it as its daemon needs.
"""

from dataclasses import dataclass

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SUMMARY_TAG = "summary"
TEST_TAG = "test"
_INCIDENT = "incident-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. It replaces an earlier one with its `tag`.

    `button` is the word on its button; a click on the text does the same. `more_buttons` are pairs of the key that a
    click returns and a word. `timeout` is how long it stays; None leaves that to the daemon. `update_only`: it replaces
    the one on the screen, and is dropped if there is none. `awaited`: the person waits for it, so it pops up even at a
    level that otherwise goes to the list alone.
    """

    tag: str
    level: Level
    title: str
    lines: tuple[str, ...] = ()
    button: str = "Open"
    more_buttons: tuple[tuple[str, str], ...] = ()
    timeout: Millis | None = None
    update_only: bool = False
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class ShowNotification:
    """Show a notification."""

    notification: Notification

    @property
    def tag(self) -> str:
        """The notification's tag."""
        return self.notification.tag


@dataclass(frozen=True, slots=True)
class WithdrawNotification:
    """Remove the notification with that tag, after `final` was shown in its place for a moment if there is one."""

    tag: str
    final: Notification | None = None


NotificationRequest = ShowNotification | WithdrawNotification


def incident_tag(incident_id: int) -> str:
    """Return the tag of an incident's notification."""
    return f"{_INCIDENT}{incident_id}"


def tagged_incident(tag: str) -> int | None:
    """Return the incident that a tag names, else None."""
    number = tag.removeprefix(_INCIDENT)
    return int(number) if number != tag and number.isdecimal() else None
