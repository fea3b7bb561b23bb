"""One report on one resource by one rule, and what makes two of them the same."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis

SAME_TEXT_SPAN: Millis = 10 * 60 * 1000
"""A body with no rule or time of its own is a retry only this long after its first delivery."""


class Kind(str):
    """Which of Alibaba Cloud's bodies it was: the word that its parser in `callbacks/` has for it.

    Only those that are treated like no other have a name here.
    """

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
    """Two alerts with equal `text` are one; where it does not name a moment (`timed`), only within SAME_TEXT_SPAN.

    An empty text is equal to none.
    """

    text: str
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as read from a callback. Texts are as sent; what is absent, empty or the text `null` is None.

    `subject` is account, rule and canonical dimensions; `key` names the incident (see `domain/incident/incident.py`).
    `address` is the network address that the resource is known by. `message` is what the sender says of it in its own
    words. `titles` are names for it by language (`en`, `zh`), where the sender has several. `links` are pages that the
    sender names, by what they show (`resource`, `rule`, `history`, ...): a stranger's texts, not yet looked at.
    Five are not kept in the log. `one_off`: nothing may ever say that it is over. `dated_once`: its moment is that
    of the whole thing, so its end may bear the same. `resent`: it is sent again with that moment while it fires.
    `only_closes`: an OK that is stored only where an incident of its key is open; it is never a callback's first alert.
    `related_keys`: of incidents that this OK may end, if it ends none of its own; or of OKs that may end this ALERT.
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
