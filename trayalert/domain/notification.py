"""Desktop notifications, and the requests to show and to withdraw a notification.

A channel gets each string as one printable line (`domain/text.py`) in the user's language. A notification that was made
where no language is known contains phrases until `NotificationWriter` renders these phrases. The notifier escapes the
strings if its notification daemon requires escaping.
"""

from dataclasses import dataclass

from trayalert.domain.incident.level import Level
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis

SUMMARY_TAG = "summary"
TEST_TAG = "test"
_INCIDENT = "incident-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. It replaces any earlier notification with the same `tag`."""

    tag: str
    level: Level
    title: str
    lines: tuple[str, ...] = ()
    button: str = Phrase("Open")
    """The label of the first button. A click on the text of the notification has the same effect as this button."""
    more_buttons: tuple[tuple[str, str], ...] = ()
    """Further buttons, each as a pair of a key and a label. A click on a button reports the button's key."""
    timeout: Millis | None = None
    """How long the notification stays on the screen, or None if the notification daemon decides."""
    update_only: bool = False
    """Whether the notification may only replace another notification.

    If true, the notification is shown only if a notification with the same `tag` is still on the screen.
    """
    awaited: bool = False
    """Whether the user is waiting for the notification.

    If true, the notification pops up even if notifications of its level usually do not.
    """


@dataclass(frozen=True, slots=True)
class ShowNotification:
    """A request to show a notification."""

    notification: Notification

    @property
    def tag(self) -> str:
        """The tag of the notification."""
        return self.notification.tag


@dataclass(frozen=True, slots=True)
class WithdrawNotification:
    """A request to remove the notification with the given tag."""

    tag: str
    final: Notification | None = None
    """A notification to show for a short time in place of the removed notification, or None."""


NotificationRequest = ShowNotification | WithdrawNotification


def incident_tag(incident_id: int) -> str:
    """Return the tag of an incident's notification."""
    return f"{_INCIDENT}{incident_id}"


def tagged_incident(tag: str) -> int | None:
    """Return the id of the incident whose notification has the given tag, or None if the tag belongs to no incident."""
    number = tag.removeprefix(_INCIDENT)
    return int(number) if number != tag and number.isdecimal() else None
