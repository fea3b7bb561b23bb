"""The rules that decide whether a change of an incident is notified. Pure: no clock, no state."""

import enum
from collections.abc import Callable, Sequence

from trayalert.domain.incident.incident import Change, Incident

NEVER_NOTIFIED = frozenset({Change.COUNTED, Change.LATE})
"""Changes on which no rule decides: for these no incident need be read."""

_NEWS = frozenset({Change.OPENED, Change.LEVEL, Change.NO_DATA})
_RECOVERIES = frozenset({Change.RECOVERED, Change.RECOVERED_UNKNOWN})
_OTHER_ENDS = frozenset({Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})


class Decision(enum.Enum):
    """What becomes of the notification of an incident."""

    NOTIFY = enum.auto()
    """Show a notification, in place of the incident's earlier one."""
    RECOVER = enum.auto()
    """Say for a moment that the incident has recovered, then withdraw."""
    WITHDRAW = enum.auto()
    """Withdraw, and say nothing."""


Rule = Callable[[Incident, frozenset[Change]], Decision | None]
"""Takes an incident as it is now, and its changes since the last call; returns None to leave the decision to others."""


def notify_open_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Notify an open incident that is new, or whose level or data has changed."""
    return Decision.NOTIFY if incident.open and changes & _NEWS else None


def report_recovery(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Report that an incident has recovered by an OK."""
    return Decision.RECOVER if not incident.open and changes & _RECOVERIES else None


def withdraw_closed_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Withdraw the notification of an incident that has closed in another way."""
    return Decision.WITHDRAW if not incident.open and changes & _OTHER_ENDS else None


RULES: tuple[Rule, ...] = (notify_open_incident, report_recovery, withdraw_closed_incident)
"""Called in turn until one decides. An incident on which none decides keeps the notification that it has."""


def decide(incident: Incident, changes: frozenset[Change], rules: Sequence[Rule] = RULES) -> Decision | None:
    """Return the decision of the first rule that has one."""
    return next(filter(None, (rule(incident, changes) for rule in rules)), None)
