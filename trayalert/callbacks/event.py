"""Parser for system events about a resource, which an event rule or an event centre subscription sends.

There are two formats. Cloud Monitor's pages of 2023 and 2024 document both formats:

- Event rules: page on event-triggered alert rules (`product`, `name`, `content`, ...).
- Event centre: page on event subscriptions (`alert` in an envelope of `subscription`, `strategyName`, ...).

A callback may arrive by POST or GET. The content is JSON, or a form in which nested objects are strings of JSON.

A maintenance event goes through several phases that share one `eventId`. The last phase closes the incident. An event
without phases comes alone, or belongs to a pair of a beginning and an end (`event_pairs.py`). The end may never come.
Therefore the incident of an event without phases closes by itself after a while.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from trayalert.callbacks.event_pairs import Pair, read_pair, stem_of
from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body
from trayalert.callbacks.parsing.identity import key_of, text_identity, timed_identity
from trayalert.callbacks.parsing.tree import Tree
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.level import Level, read_alert_level
from trayalert.domain.incident.resource import Arn, default_id_dimension, namespace_of_id, read_arn, service_namespace
from trayalert.domain.times import Millis, as_datetime, read_time
from trayalert.domain.wording.event_name import event_text

KIND = Kind("event")

_RULE_MARKS = ("product", "name", "content", "eventTime", "eventType", "resourceId", "ruleName", "ver")
_FEWEST_MARKS = 3
_OTHER_RULE_MARKS = ("level", "regionId", "status", "userId", "instanceName")
_PUSHED_MARKS = ("alertStatus", "eventName", "eventContentMap", "eventRawContent", "dedupId", "arn", "meta")

_PENDING_PHASES = frozenset({"scheduled", "waiting", "inquiring", "executing", "failed"})
_FINAL_PHASES = frozenset({"executed", "avoided", "canceled", "cancelled"})
"""The phases that end an event (see Alibaba's page "ECS system events").

`failed` does not end an event, because a failed event may be repeated or may require action.
"""
_PHASES = _PENDING_PHASES | _FINAL_PHASES
_LASTING = re.compile(r"SystemMaintenance|SystemFailure|InstanceFailure")
"""Matches the names of events that go through phases. Some of these events name their phase only in `status`."""
_START_OR_END = re.compile(r"(?:_(?i:start|end)|(?<=[a-z])(?:Start|End))\Z")
"""Matches the end of names such as `Instance_Failure_End`.

Database events have such names. These events come in pairs instead of going through phases.
"""
_RECOVERED = frozenset({"resolved", "recovered"})
"""The event centre's words for an alert that has recovered. These words take precedence over the event's name."""
_EVENT_ID_NAMES = frozenset({"eventid", "requestid", "traceid", "eventname"})
"""Names of content parts that identify the event instead of its resource.

The two events of a pair have different values in these parts, but must have the same key. Therefore these parts must
not become part of the key.
"""
_MESSAGE_FIELDS = (
    "state", "reason", "reasonCode", "description", "impact", "notBefore", "executeStartTime", "executeFinishTime",
)  # fmt: skip
"""Names of the content parts that make up the message. If the content has none of them, its first parts are used."""
_MOST_MESSAGE_FIELDS = 8
_LEVELS = ("severity", "level")


@dataclass(frozen=True)
class _Event:
    """An event that an event rule or the event centre has sent.

    `alert` is the part `alert` of the event centre's body, and is empty if an event rule has sent the event. `meta`
    contains the parts that describe the event, such as `status`. In the body of an event rule, these parts are at the
    top. In the body of the event centre, these parts are inside `alert`.
    """

    top: Tree
    alert: Tree
    meta: Tree
    content: Tree

    def text(self, *names: str) -> str | None:
        return self.alert.text(*names) or self.meta.text(*names) or self.top.text(*names)

    @cached_property
    def name(self) -> str | None:
        return self.text("eventName", "name")

    @property
    def lasting_id(self) -> str | None:
        """The id that all phases of one event share, or None if the event has no such id."""
        return self.content.text("eventId")

    @cached_property
    def phase(self) -> str | None:
        """The phase of the event, or None if the event does not go through phases.

        The phase in the event's name is used only if no other part shows the phase. In some documented events, the name
        contains an earlier phase than the `eventStatus`. An `executeFinishTime` means that the event has been executed.
        """
        suffix = (self.name or "").rpartition(":")[2].strip()
        if _START_OR_END.search(suffix):
            return None
        lasts = self.lasting_id is not None or suffix.lower() in _PHASES or _LASTING.search(self.name or "")
        words = [self.content.text("eventStatus"), self.meta.text("status") if lasts else None]
        if not any(words) and self.lasting_id and self.content.has("executeFinishTime"):
            return "Executed"
        return next((word for word in (*words, suffix) if word and word.lower() in _PHASES), None)

    @cached_property
    def pair(self) -> Pair | None:
        """The pair that the event belongs to, or None if the event goes through phases or comes alone."""
        if self.phase:
            return None
        return read_pair(self.name, self.meta.text("status"), self.content.text("result"))

    @property
    def stem(self) -> tuple[str, str]:
        """The stem and the family of an event that belongs to no pair. The family is always an empty string.

        The stem is the part of the event's name that all phases of the event share. An event `x` that comes alone has
        the same stem as the event `x_recovered`. Therefore `x_recovered` can close the incident of `x`.
        """
        stem, _, suffix = (self.name or "").rpartition(":")
        name = stem if suffix.strip().lower() in _PHASES else self.name
        return stem_of(name or self.text("ruleName", "strategyName") or ""), ""


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read an event. Return None if the body is of another kind."""
    top = Tree(body.names)
    alert = top.tree("alert")
    if alert.has(*_PUSHED_MARKS) or (alert and top.has("subscription", "strategyName")):
        content = alert.tree("eventContentMap", "eventRawContent")
        return (_alert(body, _Event(top, alert, alert.tree("meta").tree("sysEventMeta"), content)),)
    if top.has(*_RULE_MARKS) >= _FEWEST_MARKS or (top.has("product", "name") == 2 and top.has(*_OTHER_RULE_MARKS)):
        return (_alert(body, _Event(top, Tree({}), top, top.tree("content"))),)
    return None


def _alert(body: Body, event: _Event) -> Alert:
    arn = _arn(event)
    region = event.text("regionId") or arn.region or event.content.text("regionId")
    region = region or event.content.tree("extensions").text("region", "regionId")
    account = event.top.text("userId") or event.alert.text("userId") or arn.account_id
    product = service_namespace(event.text("product"))
    namespace = service_namespace(arn.service, arn.type) or product or namespace_of_id(arn.id)
    dimensions = _dimensions(event, arn, namespace)
    state = _state(event)
    level = _level(event, state)
    times = (event.alert.text("timestamp"), event.text("eventTime"), event.text("time"))
    at = next(filter(None, map(read_time, times)), None)
    key, *akin = _keys(event, account, arn, recovered=state is State.OK)
    return Alert(
        kind=KIND,
        identity=_identity(body, event, arn, at, level),
        key=key,
        subject=key,
        state=state,
        level=level,
        at=at,
        name=event.name or event.text("ruleName", "strategyName"),
        rule_id=event.top.tree("subscription").text("subscriptionUuid"),
        namespace=namespace,
        region=region,
        resource_id=arn.id,
        resource_name=_resource_name(event),
        account_id=account,
        group=event.text("groupName") or event.text("groupId"),
        address=event.content.text("privateIpAddress", "privateIp", "ipAddress", "publicIpAddress"),
        message=_message(event),
        titles=_titles(event),
        one_off=state is State.ALERT and _one_off(event),
        dated_once=True,
        related_keys=tuple(akin),
        dimensions=dimensions,
        fields=body.fields,
    )


def _arn(event: _Event) -> Arn:
    arn = read_arn(event.text("arn", "resourceId"))
    resource_id = (
        arn.id or event.content.text("instanceId", "resourceId", "diskId", "vmName") or event.meta.text("resource")
    )
    return arn._replace(id=resource_id)


def _dimensions(event: _Event, arn: Arn, namespace: str | None) -> dict[str, str]:
    dimensions = {}
    if arn.id:
        dimensions["diskId" if arn.type == "disk" else default_id_dimension(namespace)] = arn.id
    for name in ("instanceId", "diskId", "device"):
        value = event.content.text(name)
        if value:
            dimensions.setdefault(name, value)
    return dimensions


def _state(event: _Event) -> State:
    status = (event.alert.text("alertStatus") or "").lower()
    phase = (event.phase or "").lower()
    if status in _RECOVERED or phase in _FINAL_PHASES:
        return State.OK
    if not status and not phase and (event.meta.text("status") or "").lower() == "resolved":
        return State.OK
    return State.OK if event.pair and event.pair.ends else State.ALERT


def _level(event: _Event, state: State) -> Level:
    words = [tree.text(name) for tree in (event.top, event.alert, event.meta, event.content) for name in _LEVELS]
    level = read_alert_level(*words, recovered=state is State.OK)
    failed = (event.phase or "").lower() == "failed"
    return Level.WARN if failed and state is State.ALERT and level is Level.INFO else level


def _one_off(event: _Event) -> bool:
    """Return whether the event's incident must close by itself.

    An incident must close by itself in two cases:

    - The phase of the event is `failed`.
    - The event goes through no phases, and the end of the event may never come.
    """
    if event.phase or event.content.has("notBefore"):
        return (event.phase or "").lower() == "failed"
    return "EVENT" in (event.alert.text("source") or "SYS_EVENT").upper()  # an alert about a metric recovers


def _keys(event: _Event, account: str | None, arn: Arn, *, recovered: bool) -> list[str]:
    """Return the event's key, followed by its related keys.

    An event whose state contradicts its name has no related keys. For example, the event centre may report that an
    event has recovered although the event's name ends with a word for a beginning.
    """
    if event.lasting_id and (event.phase or event.content.has("notBefore")):
        return [key_of("event", account, event.lasting_id)]
    pair, shared = event.pair, event.alert.text("dedupId")
    alone = not pair and not event.phase
    # a `dedupId` that equals another id of the event belongs to this event only
    if alone and shared and shared not in {event.alert.text("traceId"), event.meta.text("id")}:
        return [key_of("event", account, "dedupId", shared)]
    akin = pair.akin if pair and pair.ends is recovered else ()
    stems = [(pair.stem, family) for family in (pair.family, *akin)] if pair else [event.stem]
    product = (event.text("product") or "").lower()
    where = arn.id or event.text("instanceName") or _ids(event.content)
    # an Anti-DDoS instance has many addresses, and an ECS instance has many disks
    part = event.content.text("ip"), event.content.text("device")
    return [key_of("event", account, product, stem, where, part) for stem in stems]


def _ids(content: Tree) -> list[tuple[str, str]]:
    """Return those parts of the content that are ids or names, as sorted pairs of the part's name and value.

    These parts identify the resource of an event that does not name its resource elsewhere.
    """
    ids = {name.lower(): text for name, text in content.texts().items() if name.lower().endswith(("id", "name"))}
    return sorted(pair for pair in ids.items() if pair[0] not in _EVENT_ID_NAMES)


def _identity(body: Body, event: _Event, arn: Arn, at: Millis | None, level: Level) -> Identity:
    event_id = event.alert.text("dedupId") or event.meta.text("id") or event.alert.text("traceId")
    # without a time an id is not enough: some events have a constant placeholder as their id
    if event_id is None or at is None:
        return text_identity(body.callback)
    status = [event.alert.text("alertStatus"), event.meta.text("status")]
    where = [arn.id, event.content.text("ip"), event.content.text("device")]
    return timed_identity(at, key_of("event", event_id, event.name, status, event.phase, str(level), where))


def _resource_name(event: _Event) -> str | None:
    return event.meta.text("instanceName") or event.content.text("instanceName") or event.text("instanceName")


def _titles(event: _Event) -> dict[str, str]:
    titles = {"zh": event.meta.text("eventNameZh"), "en": event.meta.text("eventNameEn")}
    return {language: title for language, title in titles.items() if title and title != event.name}


def _message(event: _Event) -> str | None:
    texts = {name: text for name in _MESSAGE_FIELDS if (text := event.content.text(name))} or event.content.texts()
    parts = [f"{name}: {text}" for name, text in islice(texts.items(), _MOST_MESSAGE_FIELDS)]
    return "; ".join([event.phase, *parts] if event.phase else parts) or None


def _stamp(parts: dict[str, Any], now: Millis | None, recover: bool) -> None:
    pushed = parts.get("alert")
    if isinstance(pushed, dict):
        if now is not None:
            pushed["timestamp"] = parts["time"] = now
        if recover:
            pushed["alertStatus"] = "RESOLVED"
        return
    if now is not None:
        parts["eventTime"] = as_datetime(now).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "+0000"
    if recover:
        content = parts.get("content")
        if isinstance(content, dict) and "eventId" in content:
            content["eventStatus"] = "Executed"
            parts["name"] = f"{str(parts.get('name')).rpartition(':')[0]}:Executed"


KIND_SPEC = KindSpec(kind=KIND, read=read, stamp=_stamp, name_text=event_text)
