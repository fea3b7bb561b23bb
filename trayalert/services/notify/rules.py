"""The rules that decide whether a change of an incident is notified.

The rules are pure: they use no clock and no state.
"""

import enum
from collections.abc import Callable, Sequence

from trayalert.domain.incident.incident import Change, Incident

NEVER_NOTIFIED = frozenset({Change.COUNTED, Change.LATE})
"""Changes on which no rule decides. The dispatcher does not look up the incidents of these changes."""

_NEWS = frozenset({Change.OPENED, Change.LEVEL, Change.NO_DATA})
_RECOVERIES = frozenset({Change.RECOVERED, Change.RECOVERED_UNKNOWN})
_OTHER_ENDS = frozenset({Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})


class Decision(enum.Enum):
    """What happens to the notification of an incident."""

    NOTIFY = enum.auto()
    """Show a notification, which replaces the incident's earlier notification."""
    RECOVER = enum.auto()
    """Show briefly that the incident has recovered, then withdraw its notification."""
    WITHDRAW = enum.auto()
    """Withdraw the incident's notification without showing another one."""


Rule = Callable[[Incident, frozenset[Change]], Decision | None]
"""Takes an incident and its changes since the last call. Returns None to leave the decision to the next rule."""


def notify_open_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return NOTIFY if an open incident is new, has changed its level, or now has no data."""
    return Decision.NOTIFY if incident.open and changes & _NEWS else None


def report_recovery(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return RECOVER if an OK has closed the incident."""
    return Decision.RECOVER if not incident.open and changes & _RECOVERIES else None


def withdraw_closed_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return WITHDRAW if the incident was closed other than by an OK."""
    return Decision.WITHDRAW if not incident.open and changes & _OTHER_ENDS else None


RULES: tuple[Rule, ...] = (notify_open_incident, report_recovery, withdraw_closed_incident)
"""Called in this order until one rule decides. If no rule decides, the incident keeps its present notification."""


def decide(incident: Incident, changes: frozenset[Change], rules: Sequence[Rule] = RULES) -> Decision | None:
    """Return the decision of the first rule that makes one, or None if no rule does."""
    return next(filter(None, (rule(incident, changes) for rule in rules)), None)
