"""What the widgets may query and request: four protocols, which the app implements.

All calls are made on the main thread and return at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trayalert.domain.check_result import Check
from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.reachability import Reachability
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.settings.ingress import ChosenIngress
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramState:
    """What tray and status line say. `problems` are sentences about what is wrong with the program itself.

    `news` are sentences about what happened to the program; the person may dismiss them. `uncertainty` says in words
    why more may be open than is known.
    """

    open_incidents: int = 0
    worst: Level | None = None
    last_callback_at: Millis | None = None
    reachability: Reachability = Reachability.UNKNOWN
    storing: bool = True
    """Whether callbacks can be stored; they are refused if not."""
    paused_until: Millis | None = None
    problems: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    uncertainty: str | None = None
    log_unreadable: bool = False
    """The log did not answer: another query may succeed."""
    secret_guesses: str | None = None
    """Who tries wrong secrets, and how often, as clean text."""
    open_by_level: Mapping[Level, int] = field(default_factory=dict)
    """How many are open of each level."""
    reachability_since: Millis | None = None
    """Since when `reachability` holds, None if unknown."""
    reachability_reason: str | None = None
    """A sentence: why nothing comes in, or why that is unknown."""
    reachable_at: Millis | None = None
    """When a probe last came through."""
    proved_until: Millis | None = None
    """How long that probe proves that callbacks get through. Later, or with None, reachability is shown as unknown."""
    refused_recently: bool = False
    """Whether a callback that may have been an alert was refused within the last hour; `problems` says why."""
    url_changed: UrlChanged | None = None
    """The public address is not the one that the rules have; set until `accept_url`."""


class IncidentQueries(Protocol):
    """The incidents and gaps in the log, and what is known about one incident."""

    def open(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, the newest (by `opened_at`, then id) first; None if the log cannot be read."""

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return the worst open incidents, the worst level first, then the newest; called up to 4 times a second."""

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return closed incidents after `before`, the last closed first; None if the log cannot be read."""

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return those incidents, in any order; None if the log cannot be read now: query again."""

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return the alerts of an incident, newest arrival first."""

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return the gaps, the last first; None if the log cannot be read."""

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Return whether an open incident had no repeat for longer than the mute period."""

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return a text that says where an alert came from, None if unknown."""

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links, the best first."""

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the person's own commands, filled for this incident; one that cannot be run has a reason."""


class ProgramQueries(Protocol):
    """The program's state, language and clock, and what it remembers from run to run."""

    @property
    def language(self) -> Language:
        """Return the language in which alerts are shown."""

    @property
    def overlay_mode(self) -> str:
        """Return when the overlay shows: "auto" (without a tray), "always" or "never"."""

    def now(self) -> Millis:
        """Return the present moment."""

    def state(self) -> ProgramState:
        """Return what tray and status line say now."""

    def tunnel(self) -> TunnelState:
        """Return the state of the tunnel."""

    def recall(self, name: str) -> Any:
        """Return the JSON value that was remembered by that name, also by an earlier run; None if nothing was."""

    def remember(self, name: str, value: Any) -> None:
        """Remember a JSON value by that name beyond this run."""


class SetupActions(Protocol):
    """How Cloud Monitor reaches this computer: the addresses, the checks, and the changes of the setup."""

    def callback_url(self) -> str:
        """Return the callback URL with its secret."""

    def public_url(self) -> str | None:
        """Return the public address that probes use, None if no address is known."""

    def listener_address(self) -> str:
        """Return `host:port` where the listener is bound, such as `127.0.0.1:8765`."""

    def readiness_checks(self) -> Sequence[Check]:
        """Return what the setup assistant shows live: listener, tunnel, public address, probe."""

    def probe(self) -> None:
        """Probe through the public address now; a ReachabilityChanged follows."""

    def ingress(self) -> ChosenIngress | None:
        """Return how Cloud Monitor reaches us by the settings, None if nothing is set."""

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        """Write an ingress into the settings and use it from now on; return a sentence if that failed."""

    def accept_url(self) -> None:
        """Record that the person knows of the changed public address."""

    def send_sample(self) -> None:
        """Send a sample alert (never a Test) through the public address; a SampleSent follows."""

    def autostart_enabled(self) -> bool | None:
        """Return whether the program starts with the session, None if that cannot be set."""

    def set_autostart(self, enabled: bool) -> str | None:
        """Start with the session from now on, or not; return a sentence if that failed."""


class UserActions(Protocol):
    """What a click of the person requests."""

    def open_url(self, url: str) -> bool:
        """Open an allow-listed https link in the browser; return whether that was possible."""

    def run_command(self, command: FilledCommand) -> str | None:
        """Start a command; return a sentence if that failed."""

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; an IncidentChanged or a ResolveFailed follows."""

    def pause_notifications(self, until: Millis | None) -> None:
        """Show no notifications until that time; None resumes."""

    def dismiss_news(self) -> None:
        """Forget the news: the person has read them."""

    def quit(self) -> None:
        """End the program in good order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The program as its UI sees it. A widget takes only the protocols that it needs."""

    incidents: IncidentQueries
    program: ProgramQueries
    setup: SetupActions
    actions: UserActions
