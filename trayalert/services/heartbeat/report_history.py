"""When expected callbacks last came: from the log, and from what the last run has stored.

The log may be large, so each run stores what it found, and the next one reads only what came later.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trayalert.callbacks.silence import silence_key
from trayalert.domain.gap import Gap, gap_time
from trayalert.domain.incident.alert import SILENCE
from trayalert.domain.incident.stored_alert import LastReport, StoredIncident
from trayalert.domain.settings.expected_callback import ExpectedCallback, matches_report
from trayalert.domain.times import Millis
from trayalert.storage.reader import Reader

_STORE_KEY = "expected"
_BATCH_SIZE = 20_000
"""Deliveries that are read at once."""
_CLOCK_TOLERANCE: Millis = 120_000
_SEARCH_DEADLINE = 0.7
"""Seconds that the search in a large log may take."""


class KeyValueStore(Protocol):
    """What one run of the program stores for the next (`app/platform/state_store.py`). For any thread."""

    def get(self, name: str) -> Any: ...  # noqa: D102
    def set(self, name: str, value: Any) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """An expected callback: watched since `since`, last received at `last_at`."""

    since: Millis
    last_at: Millis | None = None

    @property
    def silent_since(self) -> Millis:
        """When its silence begins."""
        return self.since if self.last_at is None else self.last_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the log holds: the newest delivery, the reports, the incidents of silences, and the gaps.

    `repeated_until`: when the newest report of an open incident came.
    """

    newest: int
    repeated_until: Millis
    reports: Mapping[str, Millis]
    latest: Mapping[str, StoredIncident]
    open: Sequence[StoredIncident]
    gaps: Sequence[Gap]


def load_states(
    store: KeyValueStore, expected: Sequence[ExpectedCallback], *, now: Millis
) -> tuple[int, dict[str, HeartbeatState]]:
    """Return the delivery that was read last (0: all must be read), and the state of each expected callback."""
    stored = store.get(_STORE_KEY)
    stored = stored if isinstance(stored, dict) else {}
    seen, watched = stored.get("seen"), stored.get("watched")
    watched = watched if isinstance(watched, dict) else {}
    states = {each.name: _read_state(watched.get(each.name), each) for each in expected}
    seen = seen if isinstance(seen, int) and all(states.values()) else 0
    return seen, {name: state or HeartbeatState(now) for name, state in states.items()}


def _read_state(stored: Any, expected: ExpectedCallback) -> HeartbeatState | None:
    """Read what is known of it; None where it was not watched, or it was something else under the same name."""
    match stored:
        case {"what": what, "since": int(since), "last_at": int() | None as last_at} if what == _definition(expected):
            return HeartbeatState(since, last_at)
    return None


def _definition(expected: ExpectedCallback) -> list[str | None]:
    return [expected.rule, expected.resource, expected.namespace, expected.kind]


def save_states(
    store: KeyValueStore, expected: Sequence[ExpectedCallback], states: Mapping[str, HeartbeatState], *, seen: int
) -> None:
    """Store the states for the next run."""
    watched = {
        each.name: {"what": _definition(each), "since": states[each.name].since, "last_at": states[each.name].last_at}
        for each in expected
    }
    store.set(_STORE_KEY, {"seen": seen, "watched": watched})


def search_log(
    reader: Reader, expected: Sequence[ExpectedCallback], *, seen: int, since: Millis, gaps_since: Millis
) -> Findings:
    """Read the deliveries after `seen`, and the open incidents that were repeated after `since`."""
    newest = reader.newest_delivery_id()
    repeated = reader.open_incident_reports(since=since) if expected else []
    end, top = time.monotonic() + _SEARCH_DEADLINE, newest
    last = _last_reports(expected, repeated)
    found: dict[str, Millis] = {}
    while expected and top > seen and len(found) < len(expected) and time.monotonic() < end:
        batch = reader.reports(after=max(seen, top - _BATCH_SIZE), last=top)
        found = _last_reports(expected, batch) | found
        top -= _BATCH_SIZE
    reported = {name: max(found.get(name, 0), last.get(name, 0)) for name in found.keys() | last.keys()}
    return Findings(
        newest=newest,
        repeated_until=max((since, *(report.received_at for report in repeated))),
        reports=reported,
        latest={
            one.incident.key: one for one in reader.latest_incidents([silence_key(each.name) for each in expected])
        },
        open=reader.open_incidents_of_kind(SILENCE),
        gaps=reader.gaps_after(min((gaps_since, *reported.values()))),
    )


def _last_reports(expected: Sequence[ExpectedCallback], reports: Sequence[LastReport]) -> dict[str, Millis]:
    """Return when each came last, of those that came."""
    found: dict[str, Millis] = {}
    for report in reports:
        for each in expected:
            if matches_report(each, report):
                found[each.name] = max(found.get(each.name, 0), report.received_at)
    return found


def time_in_gaps(gaps: Sequence[Gap], *, since: Millis, now: Millis) -> Millis:
    """Return how long nothing could arrive. A gap that ends in the future is by a wrong clock, and does not count."""
    plausible = [gap for gap in gaps if gap.ended_at is None or gap.ended_at <= now + _CLOCK_TOLERANCE]
    return gap_time(plausible, since=since, until=now)


def is_unreported(findings: Findings, name: str, last_at: Millis | None) -> bool:
    """Whether a silence is not reported yet: there is no incident of it, or the callback came since."""
    stored = findings.latest.get(silence_key(name))
    if stored is None or stored.incident.ok_at is not None:
        return True
    return last_at is not None and last_at > (stored.incident.fired_at or stored.incident.opened_at)


def expected_records(
    reader: Reader | None, expected: Sequence[ExpectedCallback], store: KeyValueStore, *, now: Millis, listening: bool
) -> list[dict[str, Any]]:
    """Return the state of each, with times in milliseconds. None is due while no instance is `listening`."""
    seen, states = load_states(store, expected, now=now)
    gaps_since = min((one.silent_since for one in states.values()), default=now)
    found = search_log(reader, expected, seen=seen, since=0, gaps_since=gaps_since) if reader else None
    rows = []
    for each in expected:
        state = states[each.name]
        reported_at = found.reports.get(each.name) if found else None
        last_at = max((moment for moment in (state.last_at, reported_at) if moment is not None), default=None)
        begun_at = state.since if last_at is None else last_at
        silent = found is not None and not is_unreported(found, each.name, last_at)
        listened = max(0, now - begun_at) - time_in_gaps(found.gaps if found else (), since=begun_at, now=now)
        rows.append({
            "name": each.name,
            "hours": each.hours,
            "level": each.level,
            "last_at": last_at,
            "due_at": None if silent or not listening else now + max(0, each.allowed_silence - listened),
            "state": "silent" if silent else "waiting" if last_at is None else "ok",
        })  # fmt: skip
    return rows
