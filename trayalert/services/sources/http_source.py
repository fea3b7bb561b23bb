"""The HTTP callback source, which opens the listener according to the settings and reports refused callbacks."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trayalert.domain.callback import Receive
from trayalert.domain.events import CallbackRefused
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.phrase import Phrase, PhraseList
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.listener.access_log import AccessLog
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules
from trayalert.listener.port import ListenerFault
from trayalert.listener.refusals import RefusalCause
from trayalert.listener.server import Listener, open_listener
from trayalert.listener.tls import Certificate
from trayalert.services.access.secret_guesses import is_recent, mistyped_text, secret_guesses_text, turned_away_text
from trayalert.services.access.secrets import Secrets
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.reachability.probe import SelfProbe
from trayalert.services.sources.source import SourceState

_logger = logging.getLogger(__name__)


class HttpSource:
    """Implements Source with the listener. Any thread may read `listener_state` and `counts`.

    - `retry_seconds` is the pause between tries to open the listener. If `retry_seconds` is None, `run` tries once and
      raises ListenerFault if the listener cannot be opened.
    - `on_refused` is called for refused requests, at most once an hour for each RefusalCause. `on_refused` is never
      called for NOT_STORED.
    """

    name = "listener"

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        access_log: Path,
        *,
        on_refused: Callable[[CallbackRefused], None],
        self_probe: SelfProbe,
        now: Callable[[], Millis],
        retry_seconds: float | None,
    ) -> None:
        self.listener_state = ListenerState(
            host=settings.host, port=settings.port, open=False, tls=settings.tls_certificate is not None
        )
        self.counts = ListenerCounts()
        self._settings = settings
        self._secrets = secrets
        self._access_log = AccessLog(access_log)
        self._on_change: Callable[[], None] = lambda: None
        self._on_refused = on_refused
        self._now = now
        self._retry_seconds = retry_seconds
        self._announced_at: dict[RefusalCause, Millis] = {}
        senders = SourceAddresses(settings)
        self._rules = AccessRules(
            allowed_hosts=frozenset(settings.allowed_hosts),
            sender=senders.sender_address,
            admits=senders.admits,
            respond_to_probe=self_probe.answer,
            on_probe_refused=self_probe.record_rejection,
            find_typo=secrets.explain_mistyped,
            on_refused=self.announce_refusal,
        )

    @property
    def state(self) -> SourceState:
        """Whether the listener is open, and the reason if the listener cannot be opened."""
        return SourceState(receiving=self.listener_state.open, problem=self.listener_state.problem)

    async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
        """Listen until this coroutine is cancelled. Then finish the answers in progress, and close the listener.

        Raise ListenerFault if the listener cannot be opened and `retry_seconds` is None.
        """
        self._on_change = on_change
        listener: Listener | None = None
        try:
            listener = await self._open(receive)
            state = replace(self.listener_state, host=listener.host, port=listener.port, open=True, problem=None)
            self._set_state(state)
            await asyncio.Event().wait()
        finally:
            if listener is not None:
                await listener.close()
            self._access_log.close()

    async def _open(self, receive: Receive) -> Listener:
        while True:
            try:
                return await self._open_listener(receive)
            except ListenerFault as fault:
                if self._retry_seconds is None:
                    raise
                if not (self.listener_state.problem or "").startswith(str(fault)):
                    _logger.warning("%s Trying again every %g s.", fault, self._retry_seconds)
                problem = PhraseList([str(fault), Phrase("It is tried again.")])
                self._set_state(replace(self.listener_state, open=False, problem=problem))
                await asyncio.sleep(self._retry_seconds)

    async def _open_listener(self, receive: Receive) -> Listener:
        settings = self._settings
        certificate = None
        if settings.tls_certificate and settings.tls_key:
            files = Path(settings.tls_certificate).expanduser(), Path(settings.tls_key).expanduser()
            certificate = Certificate(
                *files, report=lambda sentence: self._set_state(replace(self.listener_state, note=sentence))
            )
        return await open_listener(
            settings.host,
            settings.port,
            check_secret=lambda offered: self._secrets.check(offered, now=self._now()),
            receive=receive,
            rules=self._rules,
            counts=self.counts,
            access_log=self._access_log,
            certificate=certificate,
        )

    def turned_away_text(self, reason: str | None = None) -> str | None:
        """Return a sentence about refused requests with a right secret, or None if none came in the last hour.

        If `reason` is None, the sentence contains the recorded reason of the latest refusal.
        """
        counts = self.counts
        reason = reason or counts.last_turned_away_why
        return turned_away_text(counts.turned_away, counts.last_turned_away_at, reason, now=self._now())

    def mistyped_text(self, reason: str | None = None) -> str | None:
        """Return a sentence about requests to a mistyped callback URL, or None if none came in the last hour.

        If `reason` is None, the sentence contains the recorded reason of the latest of these requests.
        """
        counts = self.counts
        return mistyped_text(
            counts.mistyped, counts.last_mistyped_at, reason or counts.last_mistyped_why, now=self._now()
        )

    def secret_guesses_text(self) -> str | None:
        """Return a sentence about requests with a wrong secret, or None if no such request came in the last hour."""
        counts = self.counts
        return secret_guesses_text(counts.probes, counts.last_probe_at, counts.last_probe_from, now=self._now())

    def lost_lately(self) -> bool:
        """Return whether an alert may have been lost in the last hour because a request was refused."""
        lost_at = self.counts.lost_at
        return lost_at is not None and is_recent(lost_at, now=self._now())

    def announce_refusal(self, cause: RefusalCause, reason: str) -> None:
        """Report a refused request in the program log and to `on_refused`.

        Refusals with the same cause are reported at most once an hour. Refusals with the cause NOT_STORED are not
        reported here, because the state of the log already reports this problem.
        """
        if cause is RefusalCause.NOT_STORED:  # the state of the log already says that callbacks are not stored
            return
        announced_at = self._announced_at.get(cause)
        if announced_at is not None and self._now() >= announced_at and is_recent(announced_at, now=self._now()):
            return
        self._announced_at[cause] = self._now()
        sentence = self.mistyped_text(reason) if cause is RefusalCause.MISTYPED else self.turned_away_text(reason)
        if sentence:
            _logger.warning("%s", sentence)
            self._on_refused(CallbackRefused(cause, sentence))

    def _set_state(self, state: ListenerState) -> None:
        if state != self.listener_state:
            self.listener_state = state
            self._on_change()
