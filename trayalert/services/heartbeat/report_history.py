"""Finds out when each expected callback last arrived.

The log may be large. Each run of the program therefore stores what it has found, and the next run reads only newer
deliveries.
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
"""Maximum number of deliveries that one query reads."""
_CLOCK_TOLERANCE: Millis = 120_000
_SEARCH_DEADLINE = 0.7
"""Seconds after which a search of a large log stops, even if the oldest deliveries have not been read."""


class KeyValueStore(Protocol):
    """A store for values that the next run of the program will need. Any thread may use the store.

    The implementation is in `app/platform/state_store.py`.
    """

    def get(self, name: str) -> Any: ...  # noqa: D102
    def set(self, name: str, value: Any) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """What is known about an expected callback.

    `since` is the time from which the callback has been watched. `last_at` is the time at which the callback last
    arrived, or None if it has never arrived.
    """

    since: Millis
    last_at: Millis | None = None

    @property
    def silent_since(self) -> Millis:
        """The time at which the current silence began.

        The silence began when the callback last arrived. If the callback has never arrived, the silence began at
        `since`.
        """
        return self.since if self.last_at is None else self.last_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the log contains about the expected callbacks."""

    newest: int
    """The id of the newest delivery. The caller passes this id to the next search as `seen`."""
    repeated_until: Millis
    """The latest time at which an alert of an open incident arrived or was repeated.

    The caller passes this time to the next search as `since`.
    """
    reports: Mapping[str, Millis]
    """When each expected callback last arrived, by the callback's name. Callbacks that were not found are missing."""
    latest: Mapping[str, StoredIncident]
    """The latest incident of each expected callback, by the incident's key.

    Callbacks that have never had an incident are missing.
    """
    open: Sequence[StoredIncident]
    """The open incidents of silences, including silences of callbacks that are no longer expected."""
    gaps: Sequence[Gap]
    """The gaps that may overlap a current silence."""


def load_states(
    store: KeyValueStore, expected: Sequence[ExpectedCallback], *, now: Millis
) -> tuple[int, dict[str, HeartbeatState]]:
    """Return the id of the last delivery that an earlier run read, and the states of the expected callbacks by name.

    An expected callback without a stored state gets a new state, which begins at `now`. If at least one callback gets a
    new state, the returned id is 0. The caller then reads all deliveries.
    """
    stored = store.get(_STORE_KEY)
    stored = stored if isinstance(stored, dict) else {}
    seen, watched = stored.get("seen"), stored.get("watched")
    watched = watched if isinstance(watched, dict) else {}
    states = {each.name: _read_state(watched.get(each.name), each) for each in expected}
    seen = seen if isinstance(seen, int) and all(states.values()) else 0
    return seen, {name: state or HeartbeatState(now) for name, state in states.items()}


def _read_state(stored: Any, expected: ExpectedCallback) -> HeartbeatState | None:
    """Return the stored state of an expected callback, or None if there is no usable state.

    A state that was stored for another definition of the callback is not usable.
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
    """Store the states of the expected callbacks for the next run of the program.

    `seen` is the id of the last delivery that this run has read.
    """
    watched = {
        each.name: {"what": _definition(each), "since": states[each.name].since, "last_at": states[each.name].last_at}
        for each in expected
    }
    store.set(_STORE_KEY, {"seen": seen, "watched": watched})


def search_log(
    reader: Reader, expected: Sequence[ExpectedCallback], *, seen: int, since: Millis, gaps_since: Millis
) -> Findings:
    """Search the log for arrivals of the expected callbacks. Raise LogFault if the log cannot be read.

    Two parts of the log are searched:

    - open incidents for which an alert arrived, or was repeated, after `since`
    - deliveries with ids above `seen`, from the newest to the oldest, until every expected callback has been found

    The search of the deliveries ends early when _SEARCH_DEADLINE has passed.

    The result also contains every gap that has not ended, and every gap that ended after `gaps_since`. If an arrival
    before `gaps_since` is found, the gaps that ended after that arrival are included as well.
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
    """Return when each expected callback last arrived according to `reports`, keyed by name."""
    found: dict[str, Millis] = {}
    for report in reports:
        for each in expected:
            if matches_report(each, report):
                found[each.name] = max(found.get(each.name, 0), report.received_at)
    return found


def time_in_gaps(gaps: Sequence[Gap], *, since: Millis, now: Millis) -> Millis:
    """Return for how many milliseconds between `since` and `now` no callback could arrive.

    A gap does not count if it ends more than _CLOCK_TOLERANCE after `now`. The clock was wrong when that gap was
    recorded.
    """
    plausible = [gap for gap in gaps if gap.ended_at is None or gap.ended_at <= now + _CLOCK_TOLERANCE]
    return gap_time(plausible, since=since, until=now)


def is_unreported(findings: Findings, name: str, last_at: Millis | None) -> bool:
    """Return True if the log contains no incident for the current silence of the expected callback `name`.

    `last_at` is the time of the callback's last arrival, or None if the callback has never arrived. The result is True
    in each of these cases:

    - The callback has never had an incident.
    - An OK has ended the callback's latest incident.
    - The callback's last arrival is later than the beginning of the callback's latest incident.
    """
    stored = findings.latest.get(silence_key(name))
    if stored is None or stored.incident.ok_at is not None:
        return True
    return last_at is not None and last_at > (stored.incident.fired_at or stored.incident.opened_at)


def expected_records(
    reader: Reader | None, expected: Sequence[ExpectedCallback], store: KeyValueStore, *, now: Millis, listening: bool
) -> list[dict[str, Any]]:
    """Return the JSON objects that `trayalert expected` prints, one for each expected callback.

    `reader` is None if there is no log. `listening` says whether an instance is running. Times are in milliseconds.
    `due_at` is None if the callback is already silent, or if `listening` is false. Raise LogFault if the log cannot be
    read.
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
