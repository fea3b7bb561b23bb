"""The door as the settings want it: opened, tried again where that fails, and told of. Lives on the receiver's loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trayalert.app.platform.clock import now
from trayalert.domain.events import CallbackRefused
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.listener.access_log import AccessLog
from trayalert.listener.counts import DoorCounts
from trayalert.listener.hook_endpoint import Receive, Rules
from trayalert.listener.listener_fault import DoorFault
from trayalert.listener.refusals import Cause
from trayalert.listener.server import Listener, open_door
from trayalert.listener.tls import Certificate
from trayalert.services.access.secret_guesses import is_fresh, mistyped_words, probing_words, turned_away_words
from trayalert.services.access.secrets import Secrets
from trayalert.services.access.source_address import Senders
from trayalert.services.presentation.status import Door
from trayalert.services.reachability.probe import SelfProbe

_TRY_AGAIN = 2.0
"""Seconds until a door that could not be opened is tried again."""

_logger = logging.getLogger(__name__)


class Doorway:
    """`door` and `counts` are for any thread. `tell` hears of each change of the door, `self_probe` of its own.

    `tell_refused` is called for each kind of refusal, at most once an hour.
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        access_log: Path,
        *,
        tell: Callable[[Door], None],
        tell_refused: Callable[[CallbackRefused], None],
        self_probe: SelfProbe,
    ) -> None:
        self.door = Door(host=settings.host, port=settings.port, open=False, tls=settings.tls_certificate is not None)
        self.counts = DoorCounts()
        self._settings = settings
        self._secrets = secrets
        self._access_log = AccessLog(access_log)
        self._announce = tell
        self._tell_refused = tell_refused
        self._refused_at: dict[Cause, Millis] = {}
        self._listener: Listener | None = None
        senders = Senders(settings)
        self._rules = Rules(
            allowed_hosts=frozenset(settings.allowed_hosts),
            sender=senders.sender,
            admits=senders.admits,
            answers=self_probe.answer,
            kept_out=self_probe.kept_out,
            mistyped=secrets.mistyped,
            refused=self._refused,
        )

    async def open(self, receive: Receive, *, patient: bool) -> None:
        """Open the door; where that fails try again for ever, or raise DoorFault where nobody is `patient`."""
        while True:
            try:
                listener = await self._opened(receive)
            except DoorFault as fault:
                if not patient:
                    raise
                if not (self.door.problem or "").startswith(str(fault)):
                    _logger.warning("%s Trying again every %g s.", fault, _TRY_AGAIN)
                self._tell(replace(self.door, open=False, problem=f"{fault} It is tried again."))
                await asyncio.sleep(_TRY_AGAIN)
            else:
                self._listener = listener
                self._tell(replace(self.door, host=listener.host, port=listener.port, open=True, problem=None))
                return

    async def close(self) -> None:
        """Close the door once requests under way have ended."""
        listener, self._listener = self._listener, None
        if listener:
            await listener.close()
        self._access_log.close()

    async def _opened(self, receive: Receive) -> Listener:
        settings = self._settings
        certificate = None
        if settings.tls_certificate and settings.tls_key:
            files = Path(settings.tls_certificate).expanduser(), Path(settings.tls_key).expanduser()
            certificate = Certificate(*files, tell=lambda sentence: self._tell(replace(self.door, note=sentence)))
        return await open_door(
            settings.host,
            settings.port,
            opens=lambda offered: self._secrets.opens(offered, now=now()),
            receive=receive,
            rules=self._rules,
            counts=self.counts,
            access_log=self._access_log,
            certificate=certificate,
        )

    def turned_away_words(self, why: str | None = None) -> str | None:
        """Say which requests with a right secret were refused within the last hour; `why` replaces the last reason."""
        counts = self.counts
        why = why or counts.last_turned_away_why
        return turned_away_words(counts.turned_away, counts.last_turned_away_at, why, now=now())

    def mistyped_words(self, why: str | None = None) -> str | None:
        """Say which requests came to a mistyped callback URL within the last hour; `why` replaces the last reason."""
        counts = self.counts
        return mistyped_words(counts.mistyped, counts.last_mistyped_at, why or counts.last_mistyped_why, now=now())

    def probing_words(self) -> str | None:
        """Say who tried wrong secrets within the last hour; None: nobody."""
        counts = self.counts
        return probing_words(counts.probes, counts.last_probe_at, counts.last_probe_from, now=now())

    def lost_lately(self) -> bool:
        """Whether an alert may have been lost within the last hour, so that nothing proves that all of them come in."""
        lost_at = self.counts.lost_at
        return lost_at is not None and is_fresh(lost_at, now=now())

    def _refused(self, cause: Cause, why: str) -> None:
        """Tell of a refusal, unless one of its kind was told within the last hour."""
        if cause is Cause.NOT_STORED:  # the log tells that by itself
            return
        told_at = self._refused_at.get(cause)
        if told_at is not None and now() >= told_at and is_fresh(told_at, now=now()):
            return
        self._refused_at[cause] = now()
        sentence = self.mistyped_words(why) if cause is Cause.MISTYPED else self.turned_away_words(why)
        if sentence:
            _logger.warning("%s", sentence)
            self._tell_refused(CallbackRefused(cause, sentence))

    def _tell(self, door: Door) -> None:
        if door != self.door:
            self.door = door
            self._announce(door)
