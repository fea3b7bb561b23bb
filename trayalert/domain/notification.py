"""A desktop notification, and the two requests about notifications: show one and withdraw one.

Each text is one printable line (`domain/text.py`). The notifier escapes the texts in the way that its daemon needs.
"""

from dataclasses import dataclass

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SUMMARY_TAG = "summary"
TEST_TAG = "test"
_INCIDENT = "incident-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. A notification replaces an earlier notification with the same `tag`."""

    tag: str
    level: Level
    title: str
    lines: tuple[str, ...] = ()
    button: str = "Open"
    """The label of the first button. A click on the text of the notification does the same as this button."""
    more_buttons: tuple[tuple[str, str], ...] = ()
    """Further buttons, each as a pair: the key that a click on the button reports, and the label."""
    timeout: Millis | None = None
    """How long the notification stays on the screen. None leaves this to the notification daemon."""
    update_only: bool = False
    """If true, the notification is shown only in place of one with the same tag that is still on the screen."""
    awaited: bool = False
    """Whether the user waits for the notification. If true, it pops up even at a level that usually does not pop up."""


@dataclass(frozen=True, slots=True)
class ShowNotification:
    """The request to show a notification."""

    notification: Notification

    @property
    def tag(self) -> str:
        """The notification's tag."""
        return self.notification.tag


@dataclass(frozen=True, slots=True)
class WithdrawNotification:
    """The request to remove the notification with this tag."""

    tag: str
    final: Notification | None = None
    """The notification to show for a short time in place of the removed one, or None."""


NotificationRequest = ShowNotification | WithdrawNotification


def incident_tag(incident_id: int) -> str:
    """Return the tag of an incident's notification."""
    return f"{_INCIDENT}{incident_id}"


def tagged_incident(tag: str) -> int | None:
    """Return the id of the incident that a tag names, or None if the tag names no incident."""
    number = tag.removeprefix(_INCIDENT)
    return int(number) if number != tag and number.isdecimal() else None
