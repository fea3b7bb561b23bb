"""Parser for the alerts of Log Service (SLS). A body is one alert object or a list of alert objects.

The user's content template decides which parts are sent. Format: Log Service's pages "Variables in new alert templates"
and "Default content templates". Times are in seconds, and 0 stands for a missing time. The legacy templates send
neither a status nor a recovery, so the incident of an alert without a `status` closes by itself after a while.
"""

from collections.abc import Iterable
from typing import Any

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body, read_number
from trayalert.callbacks.parsing.identity import canonical, key_of, text_identity, timed_identity
from trayalert.callbacks.parsing.tree import Tree
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.level import Level, read_alert_level
from trayalert.domain.times import Millis, read_time

KIND = Kind("sls")

_NAMES = ("alertId", "alertName", "alertDisplayName", "alertInstanceId")
_MARKS = (
    "alertTime", "fireTime", "resolveTime", "project", "fingerprint", "condition", "rawCondition", "alertUrl",
    "queryUrl", "results", "fireResults", "alertInstanceId", "nextEvalInterval", "aliuid",
)  # fmt: skip
_THRESHOLD_NAMES = ("alertState", "metricName", "metricProject", "curValue", "expression")
_SEVERITIES = {"10": Level.CRITICAL, "8": Level.CRITICAL, "6": Level.WARN, "4": Level.INFO, "2": Level.INFO}
"""Maps Log Service's severities to levels. Log Service calls 10 critical, 8 high, 6 medium, 4 low and 2 report only."""

_RECOVERED = frozenset({"resolved", "recovered", "ok"})
_LINKS = {
    "query": ("queryUrl", "fullResultUrl"),
    "rule": ("alertUrl",),
    "dashboard": ("dashboardUrl",),
    "history": ("alertHistoryDashboardUrl",),
}
"""Names of the fields that contain a link, keyed by what the page of the link shows.

`signin_url` is left out, because its value contains a token.
"""


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a Log Service alert. Return None if the body is of another kind."""
    top = Tree(body.names)
    if not top.has(*_NAMES) or not top.has(*_MARKS) or top.has(*_THRESHOLD_NAMES):
        return None
    return (_alert(body, top),)


def _alert(body: Body, top: Tree) -> Alert:
    annotations, result = top.tree("annotations"), next(iter(top.trees("results")), Tree({}))
    account, project = top.text("aliuid", "uid"), top.text("project") or result.text("project")
    rule = top.text("alertId")
    status = top.text("status")
    state = State.OK if (status or "").lower() in _RECOVERED else State.ALERT
    dimensions = top.tree("labels").texts()
    # the key must not contain dimensions that come from the results, because a resolved alert has no results
    labels = canonical(dimensions)
    for name, value in (("project", project), ("logstore", result.text("store", "logStore"))):
        if value:
            dimensions.setdefault(name, value)
    key = key_of("sls", account, top.text("project"), rule or top.text(*_NAMES[1:3]), top.text("fingerprint") or labels)
    at = _time(top, state)
    value = top.text("fireResultsCount") or top.text("rawResultCount")
    return Alert(
        kind=KIND,
        identity=_identity(body, top, key, at, status),
        key=key,
        subject=key,
        state=state,
        level=_level((tree.text("severity") for tree in (top, top.tree("labels"), annotations)), state),
        at=at,
        name=top.text("alertDisplayName", "alertName") or annotations.text("title") or rule,
        rule_id=rule,
        value=read_number(value),
        value_text=value,
        expression=top.text("condition", "rawCondition"),
        namespace="acs_sls",
        region=top.text("region", "regionId") or result.text("region"),
        resource_id=project,
        resource_name=project,
        account_id=account,
        message=_message(top, annotations),
        links={page: link for page, names in _LINKS.items() if (link := top.text(*names) or result.text(*names))},
        one_off=status is None,
        dimensions=dimensions,
        fields=body.fields,
    )


def _time(top: Tree, state: State) -> Millis | None:
    resolved = read_time(top.text("resolveTime")) if state is State.OK else None
    return resolved or read_time(top.text("alertTime")) or read_time(top.text("fireTime"))


def _level(words: Iterable[str | None], state: State) -> Level:
    levels = (_SEVERITIES.get(word or "") or word for word in words)
    return read_alert_level(*levels, recovered=state is State.OK)


def _identity(body: Body, top: Tree, key: str, at: Millis | None, status: str | None) -> Identity:
    if at is None or not top.has("fingerprint", "alertId", "alertName", "alertDisplayName"):
        return text_identity(body.callback)
    return timed_identity(at, "sls", status, key_of(key, top.text("alertInstanceId")))


def _message(top: Tree, annotations: Tree) -> str | None:
    parts = [annotations.text("title"), annotations.text("desc", "description", "message"), top.text("fireResultsAsKv")]
    return "\n".join(text for text in parts if text) or None


def _stamp(parts: dict[str, Any], now: Millis | None, recover: bool) -> None:
    if now is not None:  # in milliseconds, because two alerts in the same second would count as one alert
        parts |= {"alert_time": now, "resolve_time": now if recover else 0}
    if recover:
        parts["status"] = "resolved"


KIND_SPEC = KindSpec(kind=KIND, read=read, stamp=_stamp)
