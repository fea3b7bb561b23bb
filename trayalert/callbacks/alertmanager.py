"""Parser for the webhook of Alertmanager, version 4. ARMS, Managed Prometheus and Grafana send the same format.

Each entry of `alerts` becomes one alert, and the entry's labels become the alert's dimensions. prometheus.io documents
the format (page "Configuration", section `webhook_config`). ARMS adds labels that begin with `_aliyun_arms_`. In ARMS
templates, some parts of the body have other names than in Alertmanager.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import MOST_ALERTS, Body, read_quantity
from trayalert.callbacks.parsing.identity import canonical, key_of, text_identity, timed_identity
from trayalert.callbacks.parsing.tree import Tree
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.exporter import read_labels
from trayalert.domain.incident.level import Level, read_alert_level
from trayalert.domain.incident.resource import namespace_of_id, service_namespace
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.times import Millis, iso, read_time
from trayalert.domain.wording.component import ComponentWords
from trayalert.domain.wording.language import Language

KIND = Kind("alertmanager")

_GROUP_KEYS = (
    "receiver", "groupLabels", "commonLabels", "commonAnnotations", "groupKey", "externalURL", "truncatedAlerts",
    "alarmId", "dispatchRuleName", "orgId",
)  # fmt: skip
_ENTRY_KEYS = ("labels", "annotations", "fingerprint", "startsAt", "endsAt", "generatorURL", "startTime")
_PASSING_KEYS = (
    *_ENTRY_KEYS, "status", "state", "endTime", "value", "values", "valueString", "currentValue", "nowValue", "message",
    "content", "summary", "description", "dashboardURL", "panelURL", "silenceURL", "imageURL",
)  # fmt: skip
"""Names of the parts of an entry that are never taken as labels.

If an entry has no part `labels`, all its parts are taken as labels, except the parts listed here. Each listed part
either does not describe the resource or changes when the alert resolves.
"""
_ARMS = "_aliyun_arms_"
_RECOVERED = frozenset({"resolved", "recovered", "ok"})
_ID = (f"{_ARMS}involvedObject_id", "instanceId", "instance_id")
_NAME = (f"{_ARMS}involvedObject_name", "instanceName", "nodename")
_GRAFANA_STATES = frozenset({"DatasourceNoData", "DatasourceError"})
"""Names of the alerts that Grafana sends if it cannot evaluate a rule.

Source: Grafana's page "No Data and Error states".
"""

_LEVELS = ("severity", "level", "priority", f"{_ARMS}alert_level")
_VALUE = (f"{_ARMS}alert_now_value", "value", "currentValue", "nowValue", f"{_ARMS}alert_value", "valueString")
_ADDRESS = re.compile(r"(?!127\.|0\.)((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::[0-9]{1,5})?")
"""Matches an IPv4 address, with or without a port.

Addresses that begin with `127.` or `0.` do not match. Such an address only says that the resource is on the same
computer as Prometheus.
"""

_COMPONENT_LABELS = {
    "mountpoint": N_("mount"), "device": N_("disk"), "pod": N_("pod"), "pod_name": N_("pod"),
    "container": N_("container"), "container_name": N_("container"), "deployment": N_("deployment"),
    "statefulset": N_("stateful set"), "daemonset": N_("daemon set"), "persistentvolumeclaim": N_("volume claim"),
    "service": N_("service"), "node": N_("node"), "instance": N_("instance"), "topic": N_("topic"),
    "consumergroup": N_("consumer group"), "queue": N_("queue"), "groupname": N_("process"),
    "namespace": N_("namespace"),
}  # fmt: skip
"""Maps each Prometheus label that names a component to the word to display. Most labels do not name a component."""

_NONE_HIDDEN = N_("No more alerts of this group are hidden")
_HIDDEN_NAME = re.compile(
    r"(?P<count>[1-9][0-9]{0,9}) more alerts? of this group (?P<verb>is|are|was|were) not shown", re.ASCII
)
"""Matches the names that `_hidden_text` gives."""

_LINKS = {"alert": ("externalURL",), "source": ("generatorURL",), "dashboard": ("dashboardURL", "panelURL")}


@dataclass(frozen=True, slots=True)
class _AlertGroup:
    """The parts of a body that all of its entries share."""

    body_identity: Identity
    top: Tree
    labels: dict[str, str]
    label_tree: Tree
    annotations: Tree
    name: str | None
    fingerprint: str


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read the alerts of an Alertmanager group. Return None if the body is of another kind."""
    top = Tree(body.names)
    entries = top.trees("alerts")
    if not top.has(*_GROUP_KEYS) and not any(entry.has(*_ENTRY_KEYS) for entry in entries):
        return None
    if not entries and not (
        top.has("commonLabels", "groupLabels", "groupKey", "truncatedAlerts") and top.has("status")
    ):
        return None
    common = top.tree("commonLabels", "groupLabels").texts()
    group = _AlertGroup(
        body_identity=text_identity(body.callback),
        top=top,
        labels=common,
        label_tree=Tree(common),
        annotations=top.tree("commonAnnotations"),
        name=_group_name(top),
        fingerprint=key_of(canonical(common)),
    )
    alerts = [_alert(body, group, entry) for entry in entries[:MOST_ALERTS] or (Tree({}),)]
    return (*alerts, *_hidden_alerts(body, top, group.body_identity, len(entries) - MOST_ALERTS))


def _alert(body: Body, group: _AlertGroup, entry: Tree) -> Alert:
    """Return the alert for one entry of a group."""
    top = group.top
    own = entry.tree("labels").texts() or entry.without(*_PASSING_KEYS).texts()
    labels, label_tree = (own, Tree(own)) if own else (group.labels, group.label_tree)
    annotations = entry.tree("annotations") or group.annotations
    account = label_tree.text(f"{_ARMS}userid", "userId")
    state = State.OK if (entry.text("status") or top.text("status") or "").lower() in _RECOVERED else State.ALERT
    level = _level((label_tree, entry, annotations, top), recovered=state is State.OK)
    started = read_time(entry.text("startsAt", "startTime") or top.text("startTime"))
    ended = read_time(entry.text("endsAt", "endTime")) if state is State.OK else None
    fingerprint = entry.text("fingerprint") or (key_of(canonical(own)) if own else group.fingerprint)
    key = key_of("alertmanager", fingerprint)
    cluster = _cluster(label_tree)
    value, unit = _value(entry, annotations, label_tree)
    measured = read_labels(labels)
    address = _ADDRESS.fullmatch(label_tree.text("privateIp") or measured.host or "")
    return Alert(
        kind=KIND,
        identity=_identity(group.body_identity, fingerprint, started, state, ended),
        key=key,
        subject=key,
        state=state,
        level=level,
        at=ended if state is State.OK else started,
        name=_name(label_tree) or group.name,
        rule_id=label_tree.text(f"{_ARMS}alert_rule_id", "__alert_rule_uid__"),
        metric=label_tree.text("__name__"),
        metric_title=label_tree.text("__name__"),
        value=read_quantity(value)[0],
        value_text=value,
        unit=unit or label_tree.text("unit"),
        namespace="acs_k8s" if cluster else _namespace(label_tree),
        region=label_tree.text(f"{_ARMS}region_id", "regionId", "region"),
        resource_id=label_tree.text(*_ID) or measured.labels.get(measured.resource or ""),
        resource_name=label_tree.text(*_NAME),
        account_id=account,
        group=label_tree.text(f"{_ARMS}integration_name") or None,
        address=address[1] if address else None,
        message=_message(label_tree, annotations, entry),
        links={
            page: link
            for page, names in _LINKS.items()
            if (link := entry.text(*names) or (top.text(*names) if page == "alert" else None))
        },
        resent=state is State.ALERT,
        dimensions={"clusterId": cluster, **labels} if cluster else labels,
        fields=body.fields,
    )


def _level(trees: Iterable[Tree], *, recovered: bool) -> Level:
    return read_alert_level(*(tree.text(name) for tree in trees for name in _LEVELS), recovered=recovered)


def _cluster(labels: Tree) -> str | None:
    """Return the id of the Kubernetes cluster from the ARMS labels, or None if the alert is not about a cluster."""
    kind = f"{labels.text(f'{_ARMS}involvedObject_kind')} {labels.text(f'{_ARMS}involvedObject_type')}".lower()
    return labels.text(f"{_ARMS}involvedObject_id") if "cluster" in kind or "kubernetes" in kind else None


def _namespace(labels: Tree) -> str | None:
    """Return Cloud Monitor's namespace for the alert's resource, or None if the labels do not show the namespace.

    The label `namespace` usually names a Kubernetes namespace. Therefore the label is used only if its value begins
    with `acs_`.
    """
    namespace = labels.text("acs_namespace", "namespace") or ""
    if namespace.startswith("acs_"):
        return namespace
    if not labels.has("instanceId"):
        return None
    return service_namespace(labels.text("product", f"{_ARMS}product")) or namespace_of_id(labels.text("instanceId"))


def _identity(
    body_identity: Identity, fingerprint: str, started: Millis | None, state: State, ended: Millis | None
) -> Identity:
    """Return an identity made of an entry's fingerprint, state, start time and end time.

    An alert may fire a second time with the start time of its first firing. Without the end time, the second recovery
    would count as a retry of the first recovery.

    The identity of an entry without a start time is made of the fingerprint, the state and the whole body.
    """
    if started is not None:
        return timed_identity(started, "alertmanager", str(state), key_of(fingerprint, *filter(None, [ended])))
    return Identity(text=key_of(body_identity.text, fingerprint, str(state)), timed=False)


def _name(labels: Tree) -> str | None:
    name = labels.text("alertname", f"{_ARMS}alert_name")
    return labels.text("rulename") or name if name in _GRAFANA_STATES else name


def _group_name(top: Tree) -> str | None:
    group = top.tree("commonLabels").text("alertname") or top.tree("groupLabels").text("alertname")
    return group or top.text("title", "dispatchRuleName", "receiver")


def _value(entry: Tree, annotations: Tree, labels: Tree) -> tuple[str | None, str | None]:
    """Return the alert's value as it was sent, and the unit that follows the number.

    A missing value is returned as None, and so is a missing unit.
    """
    values = entry.tree("values").texts()
    text = annotations.text(*_VALUE[:-1]) or labels.text(_VALUE[0]) or entry.text(*_VALUE[1:-1])
    text = text or (next(iter(values.values())) if len(values) == 1 else None) or entry.text(_VALUE[-1])
    return text, read_quantity(text)[1]


def _message(labels: Tree, annotations: Tree, entry: Tree) -> str | None:
    if (state := labels.text("alertname")) in _GRAFANA_STATES:
        return annotations.text("Error") or annotations.text("summary", "message", "description") or state
    parts = (
        annotations.text("summary"),
        annotations.text("message", "description", "content") or entry.text("message", "content"),
    )
    text = "\n".join(dict.fromkeys(part for part in parts if part))
    return text or (annotations.text(f"{_ARMS}alert_message") or "").removeprefix("null\n") or None


def _hidden_alerts(body: Body, top: Tree, body_identity: Identity, unread: int) -> tuple[Alert, ...]:
    """Return one alert that reports the hidden alerts of a group, or an empty tuple.

    Alerts are hidden in two cases:

    - The sender limits the number of alerts (`max_alerts`).
    - The body has more than MOST_ALERTS alerts. Only the first MOST_ALERTS are read, and `unread` is the number of all
      further alerts. A negative number counts as 0.

    The returned alert is a recovery if no alert is hidden or the group has resolved. The recovery closes the incident
    of an earlier alert that reported hidden alerts.

    Alertmanager derives the `status` of a group only from the alerts that it sends. Therefore the message of the
    recovery says that the state of any hidden alerts is unknown.

    If a body has none of `groupLabels`, `groupKey` and `truncatedAlerts`, a recovery could close the incident of
    another group. An empty tuple is returned instead of the recovery.
    """
    count = top.text("truncatedAlerts") or "0"
    hidden = max(unread, 0) + (int(count) if re.fullmatch(r"[1-9][0-9]{0,8}", count) else 0)
    group = canonical(top.tree("groupLabels").texts())
    key = key_of("alertmanager", "truncated", [top.text("groupKey"), top.text("receiver"), group])
    recovered = not hidden or (top.text("status") or "").lower() in _RECOVERED
    if recovered and not (group or top.has("groupKey", "truncatedAlerts")):
        return ()
    name, message = _hidden_text(hidden, recovered=recovered)
    more = Alert(
        kind=KIND,
        identity=Identity(text=key_of(body_identity.text, key), timed=False),
        key=key,
        subject=key,
        state=State.OK if recovered else State.ALERT,
        level=Level.OK if recovered else Level.WARN,
        name=name,
        message=message,
        one_off=not recovered,
        only_closes=recovered,
        fields=body.fields,
    )
    return (more,)


def _hidden_text(hidden: int, *, recovered: bool) -> tuple[str, str | None]:
    """Return the name and the message of the alert that reports hidden alerts."""
    if not hidden:
        return Phrase(_NONE_HIDDEN), None
    reason = Phrase(
        "The sender sends no more at once (max_alerts), or the callback holds over {most}.", most=MOST_ALERTS
    )
    if recovered:
        shown = Phrase("The alerts of this group that were shown have resolved; whether the others have is not known.")
        name = Phrase.counted(
            "1 more alert of this group was not shown", "{count} more alerts of this group were not shown", hidden
        )
        return name, PhraseList((shown, reason))
    name = Phrase.counted(
        "1 more alert of this group is not shown", "{count} more alerts of this group are not shown", hidden
    )
    return name, reason


def _hidden_phrases(name: str | None) -> tuple[str, str | None] | None:
    """Return the name and the message as phrases, if `name` is the name of an alert that reports hidden alerts.

    The log keeps only the English text of the phrases.
    """
    if name == _NONE_HIDDEN:
        return _hidden_text(0, recovered=True)
    match = _HIDDEN_NAME.fullmatch(name or "")
    return _hidden_text(int(match["count"]), recovered=match["verb"].startswith("w")) if match else None


def _name_text(name: str | None, language: Language) -> str | None:
    phrases = _hidden_phrases(name)
    return language.render(phrases[0]) if phrases else None


def _message_text(alert: Alert, language: Language) -> str | None:
    phrases = _hidden_phrases(alert.name)
    return language.render(phrases[1]) if phrases and phrases[1] and phrases[1] == alert.message else None


def _stamp(parts: dict[str, Any], now: Millis | None, recover: bool) -> None:
    entries = [entry for entry in parts.get("alerts") or [] if isinstance(entry, dict)]
    for part in (parts, *entries):
        if recover:
            part["status"] = "resolved"
    for entry in entries:
        if now is not None:
            entry |= {"startsAt": iso(now), "endsAt": iso(now) if recover else "0001-01-01T00:00:00Z"}


KIND_SPEC = KindSpec(
    kind=KIND,
    read=read,
    stamp=_stamp,
    component_words=ComponentWords(_COMPONENT_LABELS, prometheus=True),
    name_text=_name_text,
    message_text=_message_text,
)
