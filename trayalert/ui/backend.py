"""The backend of the widgets: four protocols for all that widgets may query and request.

`app/backends/` implements the protocols. All methods are called on the main thread and return without blocking.
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
    """The state of the program that the tray, the window and the overlay show.

    `worst` is the worst level of the open incidents. `problems` are sentences about what is wrong with the program
    itself. `news` are sentences about what happened to the program; the user can dismiss them. `uncertainty` is a short
    text on why more incidents may be open than are known, or None.
    """

    open_incidents: int = 0
    worst: Level | None = None
    last_callback_at: Millis | None = None
    reachability: Reachability = Reachability.UNKNOWN
    storing: bool = True
    """Whether callbacks can be stored. Callbacks are refused while they cannot be stored."""
    paused_until: Millis | None = None
    problems: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    uncertainty: str | None = None
    log_unreadable: bool = False
    """Whether the last query of the log failed. A later query may succeed."""
    secret_guesses: str | None = None
    """A printable text on who tries wrong secrets, and how often; None if no secret guesses are to be reported."""
    open_by_level: Mapping[Level, int] = field(default_factory=dict)
    """Number of open incidents of each level."""
    reachability_since: Millis | None = None
    """The time since which `reachability` has held, or None if unknown."""
    reachability_reason: str | None = None
    """A sentence on why no callback can arrive, or why reachability is unknown."""
    reachable_at: Millis | None = None
    """The time at which a probe last came through."""
    proved_until: Millis | None = None
    """The time until which the last probe proves that callbacks get through, or None if nothing proves it.

    REACHABLE is shown as unknown without such a proof.
    """
    refused_recently: bool = False
    """Whether a callback that may have been an alert was refused within the last hour; `problems` says why."""
    url_changed: UrlChanged | None = None
    """Set while the public address differs from the address that the console's rules have, until `accept_url`."""


class IncidentQueries(Protocol):
    """Queries about the incidents and gaps in the log, and about a single incident."""

    def open(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, or None if the log cannot be read.

        The incidents are sorted by `opened_at` and then by id, the newest first.
        """

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return up to `limit` open incidents, the worst level first, and the newest first within a level.

        Called up to 4 times a second.
        """

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return up to `limit` closed incidents, the last closed first, or None if the log cannot be read.

        With `before`, the result starts after the incident `before`, and is thus the next page.
        """

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return the incidents with the given ids, in any order, or None if the log cannot be read now.

        Ids that are not in the log are left out. A caller that gets None must query again later.
        """

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return up to `limit` alerts of an incident, the last received first."""

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return up to `limit` gaps, the last first, or None if the log cannot be read."""

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Return whether an open incident has had no repeat for longer than the mute period: its OK may be lost."""

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return a text that says where an alert came from, or None if unknown."""

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links of an incident's resource, the best link first."""

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the admin's custom commands, filled in for this incident.

        A command that cannot be run for this incident has a `problem`.
        """


class ProgramQueries(Protocol):
    """Queries about the program: its state, language and clock, and values that it remembers from run to run."""

    @property
    def language(self) -> Language:
        """The language in which alerts are shown."""

    @property
    def overlay_mode(self) -> str:
        """When the overlay is shown: "auto" (if there is no tray), "always" or "never"."""

    @property
    def help_topic(self) -> str | None:
        """Return the help page that Help and F1 show in every window, or None if each window has its own page."""

    def now(self) -> Millis:
        """Return the present time."""

    def state(self) -> ProgramState:
        """Return the present state of the program."""

    def tunnel(self) -> TunnelState:
        """Return the state of the tunnel."""

    def recall(self, name: str) -> Any:
        """Return the JSON value that this or an earlier run remembered under a name, or None if there is no value."""

    def remember(self, name: str, value: Any) -> None:
        """Remember a JSON value under a name, also for later runs."""


class SetupActions(Protocol):
    """Queries and requests about how Cloud Monitor reaches this computer: addresses, checks and setup."""

    def callback_url(self) -> str:
        """Return the callback URL, including its secret."""

    def public_url(self) -> str | None:
        """Return the public address that probes use, or None if no address is known."""

    def listener_address(self) -> str:
        """Return the `host:port` to which the listener is bound, such as `127.0.0.1:8765`."""

    def readiness_checks(self) -> Sequence[Check]:
        """Return the checks that the setup assistant updates live: listener, tunnel, public address and probe."""

    def probe(self) -> None:
        """Start a probe through the public address now. A ReachabilityChanged event follows."""

    def ingress(self) -> ChosenIngress | None:
        """Return how Cloud Monitor reaches this computer according to the settings, or None if nothing is set."""

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        """Write the chosen ingress into the settings and start to use it. Return a sentence on failure."""

    def accept_url(self) -> None:
        """Record that the user knows the changed public address, so that it is no longer reported."""

    def send_sample(self) -> None:
        """Send a sample alert (never a Test) through the public address. A SampleSent event follows."""

    def autostart_enabled(self) -> bool | None:
        """Return whether the program starts with the session, or None if autostart cannot be set here."""

    def set_autostart(self, enabled: bool) -> str | None:
        """Switch autostart with the session on or off. Return a sentence on failure."""


class UserActions(Protocol):
    """Requests that the user makes with a click."""

    def open_url(self, url: str) -> bool:
        """Open an allow-listed https link in the browser. Return False on failure."""

    def run_command(self, command: FilledCommand) -> str | None:
        """Start a custom command. Return a sentence on failure."""

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered at the user's request. An IncidentChanged or a ResolveFailed event follows."""

    def pause_notifications(self, until: Millis | None) -> None:
        """Show no notifications until the given time; None resumes notifications."""

    def dismiss_news(self) -> None:
        """Remove the present news from the state, as the user has read them."""

    def quit(self) -> None:
        """Shut the program down cleanly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The program as the UI sees it. Each widget takes only the protocols that it needs."""

    incidents: IncidentQueries
    program: ProgramQueries
    setup: SetupActions
    actions: UserActions
