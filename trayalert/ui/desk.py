"""What the widgets may ask and wish for. The app implements it; every call is made on the main thread and is quick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trayalert.domain.command import Offer
from trayalert.domain.console_link import ConsoleLink
from trayalert.domain.language import Language
from trayalert.domain.level import Level
from trayalert.domain.reach import Reach
from trayalert.domain.stored import StoredAlert, StoredIncident
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskState:
    """What tray and status line say. `trouble` are sentences about what is wrong with the program itself.

    `news` are sentences about what happened to it, which the person may dismiss. With `unsure`, a few words that say
    why, more may be open than is known: no calm is shown.
    """

    open_incidents: int = 0
    worst: Level | None = None
    last_callback_at: Millis | None = None
    reach: Reach = Reach.UNKNOWN
    storing: bool = True
    """Whether what arrives can be stored; where not it is refused."""
    paused_until: Millis | None = None
    trouble: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    unsure: str | None = None
    unread: bool = False
    """The log did not answer: asking again may help."""
    probing: str | None = None
    """Who tries wrong secrets, and how often; untrusted text is cleaned in it."""


class Desk(Protocol):
    """The program as its front sees it."""

    @property
    def language(self) -> Language:
        """Return the language in which alerts are told."""
        ...

    def now(self) -> Millis:
        """Return the present moment."""
        ...

    def state(self) -> DeskState:
        """Return what tray and status line say now."""
        ...

    def open_incidents(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, the newest (by `opened_at`, then id) first; None: the log cannot be read."""
        ...

    def burning(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return the worst open incidents, the worst level first, then the newest; asked up to 4 times a second."""
        ...

    def closed_incidents(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return closed incidents, the last closed first, going on after `before`; None: the log cannot be read."""
        ...

    def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return those incidents, in any order; None: the log cannot be read now, ask again."""
        ...

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return the alerts of an incident, newest arrival first."""
        ...

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Whether an open incident had no repeat for longer than the mute period."""
        ...

    def sender_words(self, alert: StoredAlert) -> str | None:
        """Say where an alert came from, None where that is not known."""
        ...

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links, the best first; none where none is known."""
        ...

    def open_url(self, url: str) -> bool:
        """Open an allow-listed https link in the browser; False where that cannot be done."""
        ...

    def commands(self, incident: StoredIncident) -> Sequence[Offer]:
        """Return the person's own commands, filled for this incident, each with its reason where it cannot be run."""
        ...

    def run_command(self, wanted: Offer) -> str | None:
        """Start a command; return a sentence where that failed."""
        ...

    def callback_url(self) -> str:
        """Return the callback URL with its secret."""
        ...

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; an IncidentChanged or a ResolveFailed follows."""
        ...

    def pause(self, until: Millis | None) -> None:
        """Show no notifications until then; None goes on."""
        ...

    def dismiss_news(self) -> None:
        """Forget the news that are shown: the person has read them."""
        ...

    def quit(self) -> None:
        """End the program in good order."""
        ...
