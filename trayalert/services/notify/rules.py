"""The rules that decide whether the user is notified of a change of an incident.

The rules are pure functions: they use no clock and keep no state.
"""

import enum
from collections.abc import Callable, Sequence

from trayalert.domain.incident.incident import Change, Incident

NEVER_NOTIFIED = frozenset({Change.COUNTED, Change.LATE})
"""Changes that never cause a notification. The dispatcher ignores these changes without querying the log."""

_NEWS = frozenset({Change.OPENED, Change.LEVEL, Change.NO_DATA})
_RECOVERIES = frozenset({Change.RECOVERED, Change.RECOVERED_UNKNOWN})
_OTHER_ENDS = frozenset({Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})


class Decision(enum.Enum):
    """What to do about the notification of an incident."""

    NOTIFY = enum.auto()
    """Show a notification, which replaces any earlier notification of the incident."""
    RECOVER = enum.auto()
    """Show briefly that the incident has recovered, then withdraw the incident's notification."""
    WITHDRAW = enum.auto()
    """Withdraw the incident's notification without showing another one."""


Rule = Callable[[Incident, frozenset[Change]], Decision | None]
"""Takes an incident and its changes since the last call. Returns a decision, or None to let the next rule decide."""


def notify_open_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return NOTIFY if the incident is open and `changes` includes OPENED, LEVEL or NO_DATA."""
    return Decision.NOTIFY if incident.open and changes & _NEWS else None


def report_recovery(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return RECOVER if the incident has just been closed by an OK."""
    return Decision.RECOVER if not incident.open and changes & _RECOVERIES else None


def withdraw_closed_incident(incident: Incident, changes: frozenset[Change]) -> Decision | None:
    """Return WITHDRAW if the incident has just been closed by anything other than an OK."""
    return Decision.WITHDRAW if not incident.open and changes & _OTHER_ENDS else None


RULES: tuple[Rule, ...] = (notify_open_incident, report_recovery, withdraw_closed_incident)
"""The rules, in the order in which `decide` tries them.

If no rule decides, the notification of the incident stays as it is.
"""


def decide(incident: Incident, changes: frozenset[Change], rules: Sequence[Rule] = RULES) -> Decision | None:
    """Return the decision of the first rule that makes a decision, or None if no rule makes one."""
    return next(filter(None, (rule(incident, changes) for rule in rules)), None)
