"""An alert: one report about one resource by one rule, and what makes two alerts the same."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SAME_TEXT_SPAN: Millis = 10 * 60 * 1000
"""A body that names no moment is a retry only for this long after its first delivery."""


class Kind(str):
    """The word of a parser in `callbacks/` for its kind of body. Only kinds with rules of their own are named here."""

    __slots__ = ()


TEST = Kind("test")
UNRECOGNISED = Kind("unrecognised")
SILENCE = Kind("silence")


class State(enum.StrEnum):
    """What the rule says of the resource."""

    ALERT = "ALERT"
    OK = "OK"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Alerts with equal `text` are the same; if the text names no moment (not `timed`), only within SAME_TEXT_SPAN.

    An empty text is equal to no other.
    """

    text: str
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as read from a callback. Texts are as sent; what is absent, empty or the text `null` is None.

    `subject` is account, rule and canonical dimensions; `key` names the incident (see `domain/incident/incident.py`).
    `address` is the resource's network address. `message` is the sender's own text. `titles` are the alert's names by
    language (`en`, `zh`). `links` are pages by what they show (`resource`, `rule`, `history`, ...), not yet checked.

    Five fields are not in the log. `one_off`: no OK may ever follow. `dated_once`: the alert's moment is that of the
    whole incident, so the OK may have the same one. `resent`: it is sent again with the same moment while it fires.
    `only_closes`: an OK that is stored only if an incident of its key is open; it is never the first of a callback.
    `related_keys`: of incidents that this OK ends if it ends none of its own, or of OKs that may end this ALERT.
    """

    kind: Kind
    identity: Identity
    key: str
    subject: str
    state: State | None
    level: Level
    previous_level: Level | None = None
    at: Millis | None = None
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
    message: str | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    one_off: bool = False
    dated_once: bool = False
    resent: bool = False
    only_closes: bool = False
    related_keys: tuple[str, ...] = ()
    dimensions: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
