"""Who is disturbed, and how: turns what happened to incidents into wishes for notifications.

Its rule: it decides and remembers, and touches nothing. The moment is handed in, wishes are handed back; it is used on
one thread. What cannot be shown now (too many at once, a pause, no daemon) is held, and told in ONE summary when it
can be, as far as it still burns. `due` is the moment at which `tick` wants to be called.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from trayalert.domain.events import IncidentChanged, UrlChanged
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import SUMMARY_TAG, Notice, Show, Wish, Withdraw, incident_tag
from trayalert.domain.reachability import ReachState
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import incident_notice, recovered_notice, summary_notice, test_notice
from trayalert.services.notify.program_messages import (
    DOOR_TAG,
    LOG_TAG,
    REACH_TAG,
    URL_TAG,
    door_open_notice,
    door_shut_notice,
    log_news_notice,
    not_storing_notice,
    storing_again_notice,
    url_changed_notice,
)
from trayalert.services.notify.reachability_policy import ReachNotices

BURST = 5
"""So many notifications may come at once; after that one more per REFILL."""
KEPT_FOR_CRITICAL = 3
"""So many more, which only CRITICAL ones may use: a flood of warnings must not hide them."""
REFILL: Millis = 6_000
SUMMARY_EVERY: Millis = 1_000
"""A flood changes the summary's number no more often than this."""

TEST_HELD: Millis = 10_000
"""So long somebody still looks for the answer to the console's Test button."""

_TELLING = frozenset({Change.OPENED, Change.LEVEL, Change.NO_DATA})
_RECOVERING = frozenset({Change.RECOVERED, Change.RECOVERED_UNKNOWN})
_ENDING = frozenset({Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})


@dataclass(slots=True)
class _Bucket:
    """What may still be shown: filled with one per REFILL, up to BURST + KEPT_FOR_CRITICAL."""

    full: float = BURST + KEPT_FOR_CRITICAL
    at: Millis = 0

    def take(self, *, critical: bool, now: Millis) -> bool:
        self.full = min(BURST + KEPT_FOR_CRITICAL, self.full + max(0, now - self.at) / REFILL)
        self.at = now
        if self.full < (1 if critical else 1 + KEPT_FOR_CRITICAL):
            return False
        self.full -= 1
        return True


class Attention:
    """Decides what is shown, in that language. `linked`: an incident has a link; `further`: its other buttons."""

    def __init__(
        self,
        *,
        linked: Callable[[StoredIncident], bool],
        language: Language,
        further: Callable[[StoredIncident], tuple[tuple[str, str], ...]] = lambda _: (),
        available: bool = False,
    ) -> None:
        self._language = language
        self._linked = linked
        self._further = further
        self._available = available
        self._paused_until: Millis | None = None
        self._bucket = _Bucket()
        self._told: set[int] = set()
        self._held: dict[int, Notice] = {}
        self._grown = False
        self._shrunk = False
        self._summarised_at: Millis | None = None
        self._tested_at: Millis | None = None
        self._own: dict[str, Notice] = {}
        self._door_problem: str | None = None
        self._log = LogState()
        self._log_told = False
        self._reach = ReachNotices()

    @property
    def due(self) -> Millis | None:
        """The moment at which `tick` has something to do; None while there is nothing."""
        if not self._available:
            return None
        moments = [] if self._reach.due is None else [self._reach.due]
        if self._own:
            moments.append(self._paused_until or 0)
        if self._grown or self._shrunk:
            moments.append(self._summary_due)
        return min(moments, default=None)

    @property
    def _summary_due(self) -> Millis:
        moments = (self._paused_until, None if self._summarised_at is None else self._summarised_at + SUMMARY_EVERY)
        return max((moment for moment in moments if moment is not None), default=0)

    def changed(
        self, events: Iterable[IncidentChanged], incidents: Sequence[StoredIncident], *, now: Millis
    ) -> tuple[Wish, ...]:
        """Take a batch of events, with the incidents as they are now; what is not among them is passed over."""
        changes: dict[int, set[Change]] = {}
        for event in events:
            changes.setdefault(event.incident_id, set()).add(event.change)
        bad_first = sorted(incidents, key=lambda stored: -stored.incident.level.rank)
        wishes: list[Wish] = []
        for stored in bad_first:
            wishes += self._one(stored, frozenset(changes.get(stored.incident.id, ())), now)
        return (*wishes, *self.tick(now=now))

    def test_received(self, *, now: Millis) -> tuple[Wish, ...]:
        """Answer the console's Test button; where nothing can be shown yet, as soon as it can."""
        notice = test_notice()
        self._tested_at = None if self._available else now
        return (Show(notice),) if self._awake(now) else ()  # a person waits for it, flood or not

    def door_changed(self, problem: str | None, *, now: Millis) -> tuple[Wish, ...]:
        """Hear why the door is shut; None: it is open. Each is told once."""
        before, self._door_problem = self._door_problem, problem
        if problem == before:
            return ()
        if problem is not None:
            return self.tell(door_shut_notice(problem), now=now)
        untold = self._own.pop(DOOR_TAG, None)
        return () if untold else (Withdraw(DOOR_TAG, door_open_notice()),)

    def log_changed(self, state: LogState, *, now: Millis) -> tuple[Wish, ...]:
        """Hear how the log is: that nothing can be stored is told once, and taken back when it is over."""
        before, self._log = self._log, state
        wishes: list[Wish] = []
        if not state.storing and (before.storing or before.problems != state.problems):
            wishes += self.tell(not_storing_notice(state, quiet=self._log_told), now=now)
        elif state.storing and not before.storing:
            self._own.pop(LOG_TAG, None)
            wishes += [Withdraw(LOG_TAG, storing_again_notice())] if self._log_told else []
            self._log_told = False
        news = tuple(sentence for sentence in state.news if sentence not in before.news)
        if news:
            wishes += self.tell(log_news_notice(news), now=now)
        return tuple(wishes)

    def reach_changed(self, state: ReachState, *, now: Millis) -> tuple[Wish, ...]:
        """Hear how reach is: being blind for long is told, and that it is over."""
        elsewhere = self._door_problem is not None or not self._log.storing
        wishes = self._reach.changed(state, elsewhere=elsewhere, now=now)
        untold = self._own.pop(REACH_TAG, None) if wishes else None
        if untold:  # never shown, so its end is no news
            wishes = ()
        return (*wishes, *self.tick(now=now))

    def url_changed(self, changed: UrlChanged, *, now: Millis) -> tuple[Wish, ...]:
        """Hear that the public address is another, or that it is all right again."""
        if changed.before != changed.now:
            return self.tell(url_changed_notice(changed), now=now)
        self._own.pop(URL_TAG, None)
        return (Withdraw(URL_TAG),)

    def tell(self, notice: Notice, *, now: Millis) -> tuple[Wish, ...]:
        """Tell something about the program itself, flood or not; as soon as anything can be shown."""
        self._own[notice.tag] = notice
        return self._tell_own(now)

    def _tell_own(self, now: Millis) -> tuple[Wish, ...]:
        if not self._own or not self._awake(now):
            return ()
        told, self._own = tuple(self._own.values()), {}
        self._log_told = self._log_told or any(notice.tag == LOG_TAG for notice in told)
        return tuple(map(Show, told))

    def pause(self, until: Millis | None, *, now: Millis) -> tuple[Wish, ...]:
        """Show nothing until then (withdrawing goes on); None goes on, with a summary of what was missed."""
        self._paused_until = until
        return self.tick(now=now)

    def set_available(self, available: bool, *, now: Millis) -> tuple[Wish, ...]:
        """Hear whether anything can be shown at all."""
        self._available = available
        held = available and self._tested_at is not None and now - self._tested_at <= TEST_HELD
        return (*(self.test_received(now=now) if held else ()), *self.tick(now=now))

    def summary_seen(self) -> None:
        """Hear that the person looked into the window: what was held is known."""
        self._own.clear()
        self._held.clear()
        self._grown = self._shrunk = False

    def tick(self, *, now: Millis) -> tuple[Wish, ...]:
        """Show what waits, and show or mend the summary, if it is time."""
        blind = self._reach.tick(now=now)
        if blind:
            self._own[blind.tag] = blind
        own = self._tell_own(now)
        if not (self._available and (self._grown or self._shrunk)) or now < self._summary_due:
            return own
        return (*own, *self._summarise(now))

    def _summarise(self, now: Millis) -> tuple[Wish, ...]:
        quiet, self._grown, self._shrunk = not self._grown, False, False
        self._summarised_at = now
        if not self._held:
            return (Withdraw(SUMMARY_TAG),)
        if len(self._held) == 1 and not quiet:
            ((number, notice),) = self._held.items()
            if self._may_show(notice, now):
                del self._held[number]
                self._told.add(number)
                return (Withdraw(SUMMARY_TAG), Show(notice))
        return (Show(summary_notice(tuple(self._held.values()), quiet=quiet, language=self._language)),)

    def _one(self, stored: StoredIncident, changes: frozenset[Change], now: Millis) -> Iterable[Wish]:
        if stored.incident.open:
            if changes & _TELLING:
                notice = incident_notice(stored, changes, linked=self._linked(stored), language=self._language, now=now)
                yield from self._tell(stored.incident.id, replace(notice, further=self._further(stored)), now)
        elif changes & (_RECOVERING | _ENDING):
            yield from self._end(stored, now, recovered=bool(changes & _RECOVERING))

    def _tell(self, number: int, notice: Notice, now: Millis) -> Iterable[Wish]:
        if self._may_show(notice, now):
            self._told.add(number)
            if self._held.pop(number, None):
                self._shrunk = True
            yield Show(notice)
            return
        self._held[number] = notice
        self._grown = True
        if number in self._told:  # what is on the screen is no longer true
            self._told.discard(number)
            yield Withdraw(notice.tag)

    def _end(self, stored: StoredIncident, now: Millis, *, recovered: bool) -> Iterable[Wish]:
        number = stored.incident.id
        if self._held.pop(number, None):  # never told, so its end is no news
            self._shrunk = True
            return
        told = number in self._told
        self._told.discard(number)
        farewell = recovered_notice(stored, linked=self._linked(stored), language=self._language) if recovered else None
        # a known one's end is always told; that of one from before the program started only in quiet times
        if farewell and self._awake(now) and (told or self._may_show(farewell, now)):
            yield Withdraw(incident_tag(number), farewell)
        elif told:
            yield Withdraw(incident_tag(number))

    def _may_show(self, notice: Notice, now: Millis) -> bool:
        return self._awake(now) and self._bucket.take(critical=notice.level is Level.CRITICAL, now=now)

    def _awake(self, now: Millis) -> bool:
        return self._available and (self._paused_until is None or now >= self._paused_until)
