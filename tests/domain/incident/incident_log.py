"""A log in memory, for tests, which folds groups of alerts as `storage/writer/appender.py` does."""

from collections.abc import Iterable

from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.incident import Arrival, Change, Incident, expire, fold, resolve
from trayalert.domain.incident.level import Level

MINUTE = 60_000
START = 1_795_000_000_000
SUBJECT = "subject"


def minute(number: float) -> int:
    return START + round(number * MINUTE)


THRESHOLD = Kind("threshold")


def alert(
    state: State | None,
    at: float | None,
    key: str | None = None,
    *,
    level: Level | None = None,
    previous: Level | None = None,
    subject: str = SUBJECT,
    kind: Kind = THRESHOLD,
    one_off: bool = False,
) -> Alert:
    """Return an alert at minute `at` after START; `at=None` stands for an alert without a time that can be read.

    The key defaults to the subject.
    """
    return Alert(
        kind=kind,
        identity=Identity(text="", timed=True),
        key=key or subject,
        subject=subject,
        state=state,
        level=level or (Level.OK if state is State.OK else Level.WARN),
        previous_level=previous,
        at=None if at is None else minute(at),
        one_off=one_off,
    )


def fires(at: float | None, key: str | None = None, level: Level = Level.WARN) -> Alert:
    return alert(State.ALERT, at, key, level=level)


def ok(at: float | None, key: str | None = None, previous: Level | None = None) -> Alert:
    return alert(State.OK, at, key, previous=previous)


def no_data(at: float | None, key: str | None = None) -> Alert:
    return alert(State.INSUFFICIENT_DATA, at, key)


class IncidentLog:
    """Numbered incidents, and the change that each alert made."""

    def __init__(self) -> None:
        self.incidents: dict[int, Incident] = {}
        self.changes: list[Change] = []
        self.taken = 0

    def take(self, *group: Alert, came: float = 1_000) -> "IncidentLog":
        """Fold a group of alerts that all arrived at minute `came`."""
        names = {name for alert in group for name in (alert.subject, alert.key, *alert.related_keys)}
        now = minute(came)
        earliest = min(now if alert.at is None else alert.at for alert in group)
        known = {
            incident.id
            for incident in self.incidents.values()
            if names & {incident.subject, incident.key} and (incident.ok_at is None or incident.ok_at >= earliest)
        }
        for one in group:
            self.taken += 1
            named = [
                self.incidents[number]
                for number in sorted(known)
                if {one.subject, one.key, *one.related_keys}
                & {self.incidents[number].subject, self.incidents[number].key}
            ]
            folded = fold(Arrival(alert=one, alert_id=self.taken, received_at=now), named)
            joined = folded.joined
            if not joined.id:
                joined = joined._replace(id=len(self.incidents) + 1)
            for incident in (*folded.superseded, joined):
                self.incidents[incident.id] = incident
                known.add(incident.id)
            self.changes.append(folded.change)
        return self

    def take_each(self, alerts: Iterable[Alert]) -> "IncidentLog":
        """Fold alerts one by one, as if they arrived a minute apart."""
        for one in alerts:
            self.take(one, came=1_000 + self.taken)
        return self

    def resolve(self, number: int, at: float) -> "IncidentLog":
        self.incidents[number] = resolve(self.incidents[number], now=minute(at))
        return self

    def expire(self, number: int) -> "IncidentLog":
        self.incidents[number] = expire(self.incidents[number])
        return self

    def open(self) -> list[Incident]:
        return [incident for incident in self.incidents.values() if incident.open]

    def rows(self) -> list[tuple[float, float | None, Change | None, Level, int]]:
        """Return for each incident: opened and closed (in minutes), what closed it, its level, its number of alerts."""
        return [
            (
                minutes(incident.opened_at),
                None if incident.closed_at is None else minutes(incident.closed_at),
                incident.closed_by,
                incident.level,
                incident.alerts,
            )
            for incident in self.incidents.values()
        ]


def minutes(moment: int) -> float:
    return (moment - START) / MINUTE
