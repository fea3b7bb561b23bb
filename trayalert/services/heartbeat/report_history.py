"""Finds out when expected callbacks last arrived, from the log and from what the last run of the program stored.

The log may be large, so each run stores what it found, and the next run reads only the deliveries that came later.
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
"""Number of deliveries that one query reads."""
_CLOCK_TOLERANCE: Millis = 120_000
_SEARCH_DEADLINE = 0.7
"""Maximum time in seconds for the search in the log, which may be large."""


class KeyValueStore(Protocol):
    """What one run of the program stores for the next run (`app/platform/state_store.py`).

    Any thread may use the store.
    """

    def get(self, name: str) -> Any: ...  # noqa: D102
    def set(self, name: str, value: Any) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """What is known of an expected callback.

    The callback is watched since `since`. `last_at` is the time of its last arrival, or None if it has never arrived.
    """

    since: Millis
    last_at: Millis | None = None

    @property
    def silent_since(self) -> Millis:
        """The time at which the present silence began.

        A silence begins at the last arrival, or at `since` if the callback has never arrived.
        """
        return self.since if self.last_at is None else self.last_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the log contains about the expected callbacks.

    `newest` is the id of the newest delivery. `reports` maps the name of an expected callback to its last arrival.
    `latest` maps the key of a silence to its latest incident. `open` holds the open incidents of silences, including
    those of callbacks that are no longer expected. `gaps` holds the gaps that may lie in a present silence.
    `repeated_until` is the last time at which an alert of an open incident arrived: `since` of the next search.
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
    """Return the id of the delivery that was read last, and the state of each expected callback by name.

    The id is 0 if all deliveries must be read, because the state of at least one expected callback is not stored.
    """
    stored = store.get(_STORE_KEY)
    stored = stored if isinstance(stored, dict) else {}
    seen, watched = stored.get("seen"), stored.get("watched")
    watched = watched if isinstance(watched, dict) else {}
    states = {each.name: _read_state(watched.get(each.name), each) for each in expected}
    seen = seen if isinstance(seen, int) and all(states.values()) else 0
    return seen, {name: state or HeartbeatState(now) for name, state in states.items()}


def _read_state(stored: Any, expected: ExpectedCallback) -> HeartbeatState | None:
    """Return the stored state of an expected callback, or None if there is none.

    A state that was stored for another definition under the same name is ignored.
    """
    match stored:
        case {"what": what, "since": int(since), "last_at": int() | None as last_at} if what == _definition(expected):
            return HeartbeatState(since, last_at)
    return None


def _definition(expected: ExpectedCallback) -> list[str | None]:
    return [expected.rule, expected.resource, expected.namespace, expected.kind]


def save_states(
    store: KeyValueStore, expected: Sequence[ExpectedCallback], states: Mapping[str, HeartbeatState], *, seen: int
) -> None:
    """Store the states of the expected callbacks for the next run.

    `seen` is the id of the delivery that was read last.
    """
    watched = {
        each.name: {"what": _definition(each), "since": states[each.name].since, "last_at": states[each.name].last_at}
        for each in expected
    }
    store.set(_STORE_KEY, {"seen": seen, "watched": watched})


def search_log(
    reader: Reader, expected: Sequence[ExpectedCallback], *, seen: int, since: Millis, gaps_since: Millis
) -> Findings:
    """Search the log for arrivals of the expected callbacks.

    Two parts of the log are searched: the deliveries after the id `seen`, and the open incidents whose alerts arrived
    or were repeated after `since`. The search in the deliveries starts at the newest one, and ends when all expected
    callbacks are found, or after _SEARCH_DEADLINE. Gaps that ended before `gaps_since` are left out, unless they lie
    after one of the arrivals found. Raise LogFault.
    """
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
    """Return the time of the last arrival of each expected callback that is among the reports."""
    found: dict[str, Millis] = {}
    for report in reports:
        for each in expected:
            if matches_report(each, report):
                found[each.name] = max(found.get(each.name, 0), report.received_at)
    return found


def time_in_gaps(gaps: Sequence[Gap], *, since: Millis, now: Millis) -> Millis:
    """Return how long no callback could arrive between `since` and `now`, in milliseconds.

    A gap that ends in the future was recorded by a wrong clock and does not count.
    """
    plausible = [gap for gap in gaps if gap.ended_at is None or gap.ended_at <= now + _CLOCK_TOLERANCE]
    return gap_time(plausible, since=since, until=now)


def is_unreported(findings: Findings, name: str, last_at: Millis | None) -> bool:
    """Return whether the log has no report of the silence that began at `last_at`.

    The silence is unreported if there is no incident of it, if an OK has ended the latest incident, or if the callback
    has arrived since that incident began.
    """
    stored = findings.latest.get(silence_key(name))
    if stored is None or stored.incident.ok_at is not None:
        return True
    return last_at is not None and last_at > (stored.incident.fired_at or stored.incident.opened_at)


def expected_records(
    reader: Reader | None, expected: Sequence[ExpectedCallback], store: KeyValueStore, *, now: Millis, listening: bool
) -> list[dict[str, Any]]:
    """Return the JSON objects that `trayalert expected` prints, one for each expected callback.

    Times are in milliseconds. `reader` is None if there is no log. `due_at` is None if the callback is already silent,
    or if no instance is `listening`. Raise LogFault.
    """
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
