"""What a person is told in a desktop notification, and the two wishes that concern it: show one, take one away.

All texts are one line each and fit to be shown (`domain/text.py`); how a daemon wants them escaped is the notifier's.
"""

from dataclasses import dataclass

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SUMMARY_TAG = "summary"
TEST_TAG = "test"
_INCIDENT = "incident-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification. There is at most one per `tag` on the screen: a later one replaces it.

    `button` is the word on its button; a click on the text does the same. `more_buttons` are others: a key that comes
    back with the click, and a word. `timeout` is how long it stays, None as the
    daemon likes. `update_only`: it changes the one on the screen, and is dropped where there is none. `awaited`: the
    person waits for it, so it pops up even where calm ones only go to a list.
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
    """Put it on the screen, in place of an earlier one with its tag."""

    notification: Notification

    @property
    def tag(self) -> str:
        """The tag that it is about."""
        return self.notification.tag


@dataclass(frozen=True, slots=True)
class WithdrawNotification:
    """Take away what is shown with that tag; with a `final` one, only after that was shown shortly in its place."""

    tag: str
    final: Notification | None = None


NotificationRequest = ShowNotification | WithdrawNotification


def incident_tag(incident_id: int) -> str:
    """Return the tag of an incident's notification."""
    return f"{_INCIDENT}{incident_id}"


def tagged_incident(tag: str) -> int | None:
    """Return the incident that a tag names, None where it names none."""
    number = tag.removeprefix(_INCIDENT)
    return int(number) if number != tag and number.isdecimal() else None
