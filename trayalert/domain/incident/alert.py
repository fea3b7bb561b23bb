"""An alert is one report about one resource by one rule.

If two alerts have the same identity, both are the same alert.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SAME_TEXT_SPAN: Millis = 10 * 60 * 1000
"""A callback without a time counts as a retry only within this span after the first delivery of the same text."""


class Kind(str):
    """The name of a kind of callback, which its parser in `callbacks/` defines.

    The constants in this module are the kinds that code outside their parsers treats specially.
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
    """Tells a retry from the next alert: two alerts whose identities have the same `text` are the same alert."""

    text: str
    """An empty text never matches another identity."""
    timed: bool
    """Whether the text contains the alert's time. If not, equal texts match only within SAME_TEXT_SPAN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as read from a callback.

    Texts are kept as they were sent, except that an absent or empty text and the text `null` become None. The log does
    not store the fields `one_off`, `dated_once`, `resent`, `only_closes` and `related_keys`.
    """

    kind: Kind
    identity: Identity
    key: str
    """The name of the incident. Alerts with the same key belong together (see `domain/incident/incident.py`)."""
    subject: str
    """The name of the rule and its resource. Equal to `key`, unless the sender names the incident (`transId`)."""
    state: State | None
    """What the rule says. None for a test, and for a callback that was not recognised."""
    level: Level
    previous_level: Level | None = None
    at: Millis | None = None
    """The time of the alert by its sender's clock, or None if the callback names no time."""
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
    """The names of the alert by language (`en`, `zh`)."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Links that the sender named, by what their pages show (`resource`, `rule`, `history`, ...). Not yet checked."""
    one_off: bool = False
    """Whether an OK may never come. If true, the incident closes by itself after a while."""
    dated_once: bool = False
    """Whether the alert has the time of the whole incident, so that its OK may have the same time."""
    resent: bool = False
    """Whether the sender repeats the alert with the same time while the alert is firing."""
    only_closes: bool = False
    """Whether this OK is stored only if an incident of its key is open. Always false for a callback's first alert."""
    related_keys: tuple[str, ...] = ()
    """Keys of other incidents, with which this alert may form a pair.

    An OK that ends no incident of its own key may end an incident with one of these keys. An ALERT may be ended by an
    OK with one of these keys.
    """
    dimensions: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """All parts of the callback by name, as they were sent."""
