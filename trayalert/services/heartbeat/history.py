"""When expected callbacks last came: found in the log, and what was known of them before it was last left.

The log may be large: what was found is remembered, so that the next run looks only at what is behind it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trayalert.callbacks.silence import silence_key
from trayalert.domain.gap import Gap, deaf_time
from trayalert.domain.incident.alert import SILENCE
from trayalert.domain.incident.stored import Report, StoredIncident
from trayalert.domain.settings.expected_callback import Expected, fits
from trayalert.domain.times import Millis
from trayalert.storage.reader import Reader

_NAME = "expected"
_LOT = 20_000
"""Deliveries that are looked at at once."""
_SLACK: Millis = 120_000
_LONGEST = 0.7
"""Seconds that the search in a large log may take."""


class Memory(Protocol):
    """What is remembered from one run of the program to the next (`app/platform/state_store.py`). For any thread."""

    def get(self, name: str) -> Any: ...  # noqa: D102
    def set(self, name: str, value: Any) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Known:
    """An expected callback: first looked for at `since`, last reported at `last_at`."""

    since: Millis
    last_at: Millis | None = None

    @property
    def begun_at(self) -> Millis:
        """The moment from which its silence counts."""
        return self.since if self.last_at is None else self.last_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the log says: the newest delivery, reports since, the incidents of silences, and gaps.

    `repeated_until`: when the newest of what open incidents say came.
    """

    newest: int
    repeated_until: Millis
    reports: Mapping[str, Millis]
    latest: Mapping[str, StoredIncident]
    open: Sequence[StoredIncident]
    gaps: Sequence[Gap]


def recall(memory: Memory, expected: Sequence[Expected], *, now: Millis) -> tuple[int, dict[str, Known]]:
    """Return the delivery that was looked at last (0: all must be), and what is known of each."""
    kept = memory.get(_NAME)
    kept = kept if isinstance(kept, dict) else {}
    seen, watched = kept.get("seen"), kept.get("watched")
    watched = watched if isinstance(watched, dict) else {}
    known = {each.name: _known(watched.get(each.name), each) for each in expected}
    seen = seen if isinstance(seen, int) and all(known.values()) else 0
    return seen, {name: one or Known(now) for name, one in known.items()}


def _known(kept: Any, expected: Expected) -> Known | None:
    """Read what is known of it; None where it was not watched, or it was something else under the same name."""
    match kept:
        case {"what": what, "since": int(since), "last_at": int() | None as last_at} if what == _what(expected):
            return Known(since, last_at)
    return None


def _what(expected: Expected) -> list[str | None]:
    return [expected.rule, expected.resource, expected.namespace, expected.kind]


def remember(memory: Memory, expected: Sequence[Expected], known: Mapping[str, Known], *, seen: int) -> None:
    """Keep what is known for the next run."""
    watched = {
        each.name: {"what": _what(each), "since": known[each.name].since, "last_at": known[each.name].last_at}
        for each in expected
    }
    memory.set(_NAME, {"seen": seen, "watched": watched})


def look(reader: Reader, expected: Sequence[Expected], *, seen: int, since: Millis, gaps_since: Millis) -> Findings:
    """Look at what is behind delivery `seen`, and what open incidents say that came again after `since`."""
    newest = reader.newest_delivery()
    repeated = reader.repeated(since=since) if expected else []
    end, top = time.monotonic() + _LONGEST, newest
    last = _last(expected, repeated)
    found: dict[str, Millis] = {}
    while expected and top > seen and len(found) < len(expected) and time.monotonic() < end:
        lot = reader.reports(after=max(seen, top - _LOT), last=top)
        found = _last(expected, lot) | found
        top -= _LOT
    reported = {name: max(found.get(name, 0), last.get(name, 0)) for name in found.keys() | last.keys()}
    return Findings(
        newest=newest,
        repeated_until=max((since, *(report.received_at for report in repeated))),
        reports=reported,
        latest={one.incident.key: one for one in reader.latest_of([silence_key(each.name) for each in expected])},
        open=reader.open_of(SILENCE),
        gaps=reader.gaps_after(min((gaps_since, *reported.values()))),
    )


def _last(expected: Sequence[Expected], reports: Sequence[Report]) -> dict[str, Millis]:
    """Return when each came last, of those that did."""
    found: dict[str, Millis] = {}
    for report in reports:
        for each in expected:
            if fits(each, report):
                found[each.name] = max(found.get(each.name, 0), report.received_at)
    return found


def unheard(gaps: Sequence[Gap], *, since: Millis, now: Millis) -> Millis:
    """Return how long nothing could be heard. A gap that ended in the future is by a wrong clock, and counts nothing.

    It would make deaf until then: in doubt it burns.
    """
    sane = [gap for gap in gaps if gap.ended_at is None or gap.ended_at <= now + _SLACK]
    return deaf_time(sane, since=since, until=now)


def untold(findings: Findings, name: str, last_at: Millis | None) -> bool:
    """Whether its silence, if it is silent, is still to be told: none was, or it was heard since."""
    stored = findings.latest.get(silence_key(name))
    if stored is None or stored.incident.ok_at is not None:
        return True
    return last_at is not None and last_at > (stored.incident.fired_at or stored.incident.opened_at)


def standings(
    reader: Reader | None, expected: Sequence[Expected], memory: Memory, *, now: Millis, listening: bool
) -> list[dict[str, Any]]:
    """Return how each stands, with moments in milliseconds. None is due while nobody is listening."""
    seen, known = recall(memory, expected, now=now)
    gaps_since = min((one.begun_at for one in known.values()), default=now)
    found = look(reader, expected, seen=seen, since=0, gaps_since=gaps_since) if reader else None
    rows = []
    for each in expected:
        one = known[each.name]
        came = found.reports.get(each.name) if found else None
        last_at = max((moment for moment in (one.last_at, came) if moment is not None), default=None)
        begun_at = one.since if last_at is None else last_at
        silent = found is not None and not untold(found, each.name, last_at)
        listened = max(0, now - begun_at) - unheard(found.gaps if found else (), since=begun_at, now=now)
        rows.append({
            "name": each.name,
            "hours": each.hours,
            "level": each.level,
            "last_at": last_at,
            "due_at": None if silent or not listening else now + max(0, each.span - listened),
            "state": "silent" if silent else "waiting" if last_at is None else "ok",
        })  # fmt: skip
    return rows
