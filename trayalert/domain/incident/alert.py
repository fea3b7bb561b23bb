"""An alert is one report about one resource by one rule.

Two reports with the same identity are the same alert.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SAME_TEXT_SPAN: Millis = 10 * 60 * 1000
"""How long after the first delivery an equal identity still means a retry, if the identity contains no time."""


class Kind(str):
    """The name of a kind of callback. Most kinds are defined by their parsers in `callbacks/`.

    This module defines only those kinds that code outside the parsers treats specially.
    """

    __slots__ = ()


TEST = Kind("test")
UNRECOGNISED = Kind("unrecognised")
SILENCE = Kind("silence")


class State(enum.StrEnum):
    """What the rule says about the resource."""

    ALERT = "ALERT"
    OK = "OK"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Distinguishes a retry of an alert from the next alert.

    If two identities have the same `text`, their alerts are the same alert. There are two exceptions, which the
    descriptions of the fields name.
    """

    text: str
    """If the text is empty, the alert is never the same as another alert."""
    timed: bool
    """Whether `text` contains the alert's time.

    If `timed` is false, equal texts mean the same alert only within SAME_TEXT_SPAN.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as read from a callback.

    Strings are kept as they were sent, except that a string that is absent, empty or `null` becomes None. The log does
    not store the fields `one_off`, `dated_once`, `resent`, `only_closes` and `related_keys`.
    """

    kind: Kind
    identity: Identity
    key: str
    """Identifies the alert's incident.

    `domain/incident/incident.py` says how alerts with the same key form incidents.
    """
    subject: str
    """Identifies the rule and its resource.

    Equal to `key`, except if the sender itself identifies the incident in the callback's field `transId`.
    """
    state: State | None
    """What the rule says. None for a test and for a callback that was not recognised."""
    level: Level
    previous_level: Level | None = None
    at: Millis | None = None
    """The time of the alert according to its sender's clock, or None if the callback contains no time."""
    name: str | None = None
    rule_id: str | None = None
    metric: str | None = None
    metric_title: str | None = None
    value: float | None = None
    value_text: str | None = None
    unit: str | None = None
    expression: str | None = None
    namespace: str | None = None
    region: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    account_id: str | None = None
    group: str | None = None
    address: str | None = None
    """The network address of the resource."""
    message: str | None = None
    """The text that the sender wrote."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """The names to display for the alert, keyed by language (`en`, `zh`)."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Links from the callback, keyed by what their pages show (`resource`, `rule`, `history`, ...).

    The links have not been checked yet.
    """
    one_off: bool = False
    """Whether the alert's OK may never come.

    If true, the incident closes by itself after a time that depends on the level.
    """
    dated_once: bool = False
    """Whether an ALERT and its OK may have the same time.

    If true, the OK ends an incident whose latest ALERT has the same time.
    """
    resent: bool = False
    """Whether the sender repeats the alert, with the same time, until its incident recovers.

    If true, a repeat that comes after the alert's OK may count as a new alert that opens a new incident.
    """
    only_closes: bool = False
    """Whether this OK is stored only if an incident with its key is open. Always false for a callback's first alert."""
    related_keys: tuple[str, ...] = ()
    """Keys of other incidents with which this alert may form a pair.

    An OK that ends no incident with its own key may end an incident with one of these keys. An ALERT may be ended by an
    OK that has one of these keys.
    """
    dimensions: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """All parts of the callback as they were sent, keyed by name."""
