"""The backend: four protocols that define what the widgets can query and request.

`app/backends/` implements the protocols. The widgets call all methods on the main thread. No method blocks.
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
    """The program state that the tray, the window and the overlay show."""

    open_incidents: int = 0
    worst: Level | None = None
    """The worst level among the open incidents, or None if no incident is open."""
    last_callback_at: Millis | None = None
    reachability: Reachability = Reachability.UNKNOWN
    storing: bool = True
    """Whether trayalert can store callbacks. Callbacks that cannot be stored are refused."""
    paused_until: Millis | None = None
    """The time until which notifications are paused, or None if notifications are not paused."""
    problems: tuple[str, ...] = ()
    """Sentences that say what is wrong with trayalert itself."""
    news: tuple[str, ...] = ()
    """Sentences that say what has happened to trayalert. The user can dismiss these sentences."""
    uncertainty: str | None = None
    """A short phrase that says why more incidents may be open than are known. None if all open incidents are known."""
    log_unreadable: bool = False
    """Whether the most recent query of the log failed. A later query may succeed."""
    secret_guesses: str | None = None
    """A printable message that says who makes secret guesses and how often. None without secret guesses."""
    open_by_level: Mapping[Level, int] = field(default_factory=dict)
    """Number of open incidents at each level."""
    reachability_since: Millis | None = None
    """The time at which `reachability` took its current value, or None if that time is unknown."""
    reachability_reason: str | None = None
    """A sentence that says why no callback can arrive, or why reachability is unknown. None if no reason is known."""
    reachable_at: Millis | None = None
    """The time at which the most recent successful probe arrived, or None if no probe has arrived yet."""
    proved_until: Millis | None = None
    """The time until which the most recent successful probe counts as proof that callbacks get through.

    None if no probe has succeeded yet. Without a valid proof, the UI shows UNKNOWN instead of REACHABLE.
    """
    refused_recently: bool = False
    """Whether a callback that may have been an alert was refused within the last hour.

    One of the `problems` gives the reason for the refusal.
    """
    url_changed: UrlChanged | None = None
    """A change of the public address that the user has not accepted yet, or None.

    The user accepts the change through `SetupActions.accept_url`. Until then, the rules in the console may still use
    the old address.
    """


class IncidentQueries(Protocol):
    """Queries about incidents and gaps in the log, and about the details of one incident."""

    def open(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, newest first, or None if the log cannot be read.

        The incidents are sorted by `opened_at` and then by id, both in descending order.
        """

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return up to `limit` open incidents, worst level first. Within a level, the newest come first.

        The list is empty if the log cannot be read. The tray calls this method up to 4 times a second.
        """

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return one page of at most `limit` closed incidents, most recently closed first.

        `before` is the last incident on the previous page, or None for the first page. Return None if the log cannot be
        read.
        """

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return the incidents with the given ids, in no particular order.

        Ids that are not in the log are ignored. If the log cannot currently be read, return None. The caller must then
        repeat the query later.
        """

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return up to `limit` alerts of an incident, most recently received first."""

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return up to `limit` gaps, most recent first, or None if the log cannot be read."""

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Return whether an incident is open but has had no alert for so long that its OK may have been lost.

        Cloud Monitor repeats the alert of an open incident at intervals. The setting `unconfirmed_after_hours` says how
        long a repeat may take.
        """

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return a phrase that names the sender of an alert, or None if the source address is unknown."""

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links for an incident's resource, best link first."""

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the admin's custom commands, filled in with the values of an incident.

        If a command cannot be run for the incident, the command's `problem` says why.
        """


class ProgramQueries(Protocol):
    """Queries about the program: its state, language and clock, and the values that it remembers between runs."""

    @property
    def language(self) -> Language:
        """The language of all texts that are shown."""

    @property
    def language_choice(self) -> str:
        """The setting `language`: "auto" (the language of the system), "en" or "zh"."""

    @property
    def overlay_mode(self) -> str:
        """When the overlay is shown: "auto" (only if there is no tray), "always" or "never"."""

    @property
    def help_topic(self) -> str | None:
        """The topic that Help and F1 show in every window, or None if each window shows its own help page."""

    def now(self) -> Millis:
        """Return the current time."""

    def state(self) -> ProgramState:
        """Return the current state of the program."""

    def tunnel(self) -> TunnelState:
        """Return the state of the tunnel."""

    def recall(self, name: str) -> Any:
        """Return the JSON value that this or an earlier run remembered under `name`, or None if there is no value."""

    def remember(self, name: str, value: Any) -> None:
        """Remember a JSON value under `name`, for this run and for later runs."""


class SetupActions(Protocol):
    """Queries and requests about how Cloud Monitor reaches this computer: addresses, checks and setup."""

    def callback_url(self) -> str:
        """Return the callback URL, including its secret."""

    def public_url(self) -> str | None:
        """Return the public address that probes use, or None if no public address is known."""

    def listener_address(self) -> str:
        """Return the listener's address as `host:port`, such as `127.0.0.1:8765`."""

    def readiness_checks(self) -> Sequence[Check]:
        """Return the current results of the setup assistant's checks: listener, tunnel, public address and probe."""

    def probe(self) -> None:
        """Start a probe through the public address.

        A ReachabilityChanged event is announced when the probe has ended.
        """

    def ingress(self) -> ChosenIngress | None:
        """Return the ingress that the settings specify, or None if the settings specify no ingress."""

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        """Write the chosen ingress to the settings and start using it.

        Return None on success, or a sentence that says what failed.
        """

    def accept_url(self) -> None:
        """Record that the user knows about the changed public address, so that the change is no longer shown."""

    def send_sample(self) -> None:
        """Start sending a sample alert and its recovery through the public address.

        A SampleSent event is announced after the alert and the recovery have been sent. If sending fails, the event is
        announced, too. The sample arrives as an ordinary alert, not as a request from the console's Test button.
        """

    def autostart_enabled(self) -> bool | None:
        """Return whether trayalert starts when the user logs in, or None if autostart is not available."""

    def set_autostart(self, enabled: bool) -> str | None:
        """Switch autostart at login on or off. Return None on success, or a sentence that says what failed."""


class UserActions(Protocol):
    """Actions that the user can request."""

    def open_url(self, url: str) -> bool:
        """Open a link in the browser. Return False if the link is not allow-listed or could not be opened."""

    def run_command(self, command: FilledCommand) -> str | None:
        """Start a custom command. Return None on success, or a sentence that says what failed."""

    def resolve(self, incident_id: int) -> None:
        """Mark an incident as recovered.

        An IncidentChanged event is announced on success, and a ResolveFailed event on failure.
        """

    def pause_notifications(self, until: Millis | None) -> None:
        """Pause notifications until the given time. If `until` is None, resume notifications."""

    def choose_language(self, choice: str) -> str | None:
        """Write the setting `language` ("auto", "en" or "zh"), and show texts in this language from now on.

        Return None on success, or a sentence that says what failed. After a failure, the language stays as it was.
        """

    def dismiss_news(self) -> None:
        """Remove the current news from the program state, because the user has read it."""

    def quit(self) -> None:
        """Shut the program down cleanly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Everything that the UI can query and request, as four protocols.

    A widget that does not need the whole backend receives only the protocols that it needs.
    """

    incidents: IncidentQueries
    program: ProgramQueries
    setup: SetupActions
    actions: UserActions
