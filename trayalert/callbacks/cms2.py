"""Parser for the webhook of Cloud Monitor 2.0, which sends one alert as an object similar to a CloudEvent.

The object may contain links to pages of the service. Format: Cloud Monitor 2.0's pages "Notification object" and
"Webhook", and the API's `AlertEvent`. These pages do not list all statuses and levels that are sent. Field names are in
camel case in the API and in snake case in the webhook.
"""

import re
from collections.abc import Mapping
from typing import Any

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body, read_number
from trayalert.callbacks.parsing.identity import canonical, key_of, text_identity, timed_identity
from trayalert.callbacks.parsing.tree import Tree
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.level import Level, read_alert_level
from trayalert.domain.incident.resource import default_id_dimension, id_dimension, namespace_of_id, service_namespace
from trayalert.domain.times import Millis, iso, read_time
from trayalert.domain.wording.component import COMPONENT_DIMENSIONS

KIND = Kind("cms2")

_SUBTYPE = re.compile(r"(?:NORMAL|NODATA|NO_DATA)_[A-Z_]+|[A-Z_]+_(?:TRIGGER|RESOLVED?)", re.IGNORECASE)
_OTHER_MARKS = (
    "severity", "timestamp", "time", "alertEntityId", "ruleId", "alertMessage", "labels", "specversion", "subtype",
)  # fmt: skip
_FIRING = frozenset({"OCCURRED", "PERSISTENT", "FIRING", "TRIGGERED", "ALERT", "ALARM"})
_RECOVERED = frozenset({"RESOLVED", "RECOVERED", "OK", "CLOSED"})
_NO_DATA = frozenset({"INSUFFICIENT_DATA", "NODATA", "NO_DATA"})
_REGION_AT_END = re.compile(r"default-cms-\d+-([a-z]+(?:-[a-z0-9]+)+)")
_LONGEST_WORKSPACE = 200
_LINKS = {"resource": ("entityUrl",), "rule": ("alertRuleUrl", "ruleUrl"), "history": ("alertHistoryUrl",)}


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a Cloud Monitor 2.0 alert. Return None if the body is of another kind."""
    top = Tree(body.names)
    typed = (top.text("type") or "").upper() == "ALERT" and top.has("specversion", "subtype", "alertEntityId", "status")
    foreign = ":" in (top.text("type") or "")  # another CloudEvent, such as `cs:k8s:PodRelatedEvent`
    shaped = top.has("subject", "status") == 2 and top.has(*_OTHER_MARKS) and not foreign
    if not (typed or shaped or _SUBTYPE.fullmatch(top.text("subtype") or "")):
        return None
    return (_alert(body, top),)


def _alert(body: Body, top: Tree) -> Alert:
    entity, labels, data = top.tree("resource").tree("entity"), top.tree("labels"), top.tree("data")
    properties = entity.tree("prop", "properties")
    around = (labels, properties, top.tree("resource").tree("tags"), top.tree("alertEntityFields"))
    namespace = _namespace(entity, labels) or namespace_of_id(labels.text("instanceId") or entity.text("entityId"))
    dimensions = _dimensions(top, entity, labels, namespace)
    own = default_id_dimension(namespace)
    named = own if own in dimensions else id_dimension(namespace, dimensions)
    resource = dimensions[named] if named else None
    state = _state(top)
    level = _level((top, labels, top.tree("annotations"), data), state)
    at = read_time(top.text("timestamp")) or read_time(top.text("time"))
    key = key_of("cms2", top.text("ruleId") or top.text("subject"), _resource_key(top, entity, dimensions, own))
    metric = data.text("metricName", "metric") or labels.text("metricName", "metric")
    value = data.text("value", "curValue") or top.tree("annotations").text("currentValue", "curValue", "value")
    return Alert(
        kind=KIND,
        identity=_identity(body, top, key, at, level),
        key=key,
        subject=key,
        state=state,
        level=level,
        at=at,
        name=top.text("subject", "ruleName", "alertName"),
        rule_id=top.text("ruleId"),
        metric=metric,
        metric_title=data.text("metricTitle") or metric,
        value=read_number(value),
        value_text=value,
        unit=data.text("unit") or labels.text("unit"),
        expression=_expression(data),
        namespace=namespace,
        region=_first(around, "regionId", "_cms_region", "region") or _region_of(top.text("workspace")),
        resource_id=resource,
        resource_name=_first(around, "instanceName", "resourceName") or entity.text("entityName", "name"),
        account_id=top.text("userId", "aliyunaccountid"),
        group=_first(around, "groupName", "groupId"),
        address=_first(around[::-1], "privateIp", "privateIpAddress", "ip", "ipAddress"),
        message=top.text("alertMessage", "message") or top.tree("annotations").text("description", "summary"),
        links={page: link for page, names in _LINKS.items() if (link := top.text(*names))},
        dimensions=dimensions,
        fields=body.fields,
    )


def _first(trees: tuple[Tree, ...], *names: str) -> str | None:
    return next(filter(None, (tree.text(*names) for tree in trees)), None)


def _state(top: Tree) -> State:
    """Return the alert's state according to its `status` and `subtype`.

    If one of these two parts reports a recovery and the other part contradicts the recovery, the state is not OK.
    """
    status, subtype = ((top.text(name) or "").upper() for name in ("status", "subtype"))
    ends = subtype.endswith(("_RESOLVE", "_RESOLVED", "_RECOVER", "_RECOVERED"))
    if status in _RECOVERED or (ends and status not in _FIRING | _NO_DATA):
        return State.ALERT if subtype.endswith("_TRIGGER") else State.OK
    if status in _NO_DATA or subtype.startswith(("NODATA", "NO_DATA")):
        return State.INSUFFICIENT_DATA
    return State.ALERT


def _level(trees: tuple[Tree, ...], state: State) -> Level:
    words = [tree.text(name) for tree in trees for name in ("severity", "level")]
    return read_alert_level(*words, recovered=state is State.OK)


def _namespace(entity: Tree, labels: Tree) -> str | None:
    """Return the resource's namespace, or None if the namespace is unknown.

    The labels take precedence over the entity. The entity's domain `ecs` and the entity type `acs.ecs.instance` both
    mean the namespace `acs_ecs`.
    """
    namespace = labels.text("namespace", "acs_namespace")
    if namespace and namespace.startswith(("acs_", "waf")):
        return namespace
    service, type_ = entity.text("domain"), entity.text("entityType")
    parts = (type_ or "").split(".")
    if len(parts) > 1 and (service or "acs").lower() == "acs":
        service, type_ = parts[1], parts[-1]
    return service_namespace(service, type_)


def _dimensions(top: Tree, entity: Tree, labels: Tree, namespace: str | None) -> dict[str, str]:
    """Return the labels as dimensions.

    If the dimension that identifies the resource is not among the labels, it is added from other parts of the body.
    """
    dimensions = labels.texts()
    own = default_id_dimension(namespace)
    if own not in dimensions:
        resource_id = entity.tree("prop", "properties").text(own, "instanceId") or entity.text("entityId")
        resource_id = resource_id or (top.text("alertEntityId") or "").rpartition(":")[2] or labels.text(own)
        if resource_id:
            dimensions = {own: resource_id, **dimensions}
    return dimensions


def _resource_key(top: Tree, entity: Tree, dimensions: Mapping[str, str], own: str) -> object:
    """Return the value that distinguishes the incidents of one rule from each other.

    The value is a pair: the entity's id, and the dimensions that name the entity's component. If the id is unknown, the
    value is all dimensions instead.

    A label that several entities share, such as the cluster's name, must not be taken as the entity's id. If two pods
    had the same id, the recovery of one pod would close the incident of the other pod.
    """
    entity_id = entity.text("entityId") or (top.text("alertEntityId") or "").rpartition(":")[2] or dimensions.get(own)
    if not entity_id:
        return canonical(dimensions)
    return entity_id, [
        (name, value) for name, value in canonical(dimensions) if name in COMPONENT_DIMENSIONS and value != entity_id
    ]


def _identity(body: Body, top: Tree, key: str, at: Millis | None, level: Level) -> Identity:
    status = top.text("status") or top.text("subtype")
    alert_id = top.text("id")
    if alert_id:
        return timed_identity(at or 0, key_of("cms2", alert_id, status, str(level), key))
    return text_identity(body.callback) if at is None else timed_identity(at, "cms2", status, str(level), key)


def _expression(data: Tree) -> str | None:
    sign, bound = data.text("comparisonOperator", "operator"), data.text("threshold")
    return f"$Value {sign} {bound}" if sign and bound else None


def _region_of(workspace: str | None) -> str | None:
    match = _REGION_AT_END.fullmatch((workspace or "")[:_LONGEST_WORKSPACE])
    return match[1] if match else None


def _stamp(parts: dict[str, Any], now: Millis | None, recover: bool) -> None:
    if now is not None:
        parts |= {"timestamp": now, "time": iso(now)}
    if recover:
        parts |= {"status": "RESOLVED", "subtype": "NORMAL_RESOLVE"}


KIND_SPEC = KindSpec(kind=KIND, read=read, stamp=_stamp)
