"""Parser for the threshold callback, which Cloud Monitor sends most often: a form-encoded POST with one alert.

Sources of the format: Cloud Monitor's page "Use the alert callback feature to send notifications about
threshold-triggered alerts" from 2018 to 2026, and bodies that the real service sent. The fields may come in any order,
and any field may be missing, empty or the string `null`.
"""

import re
from collections.abc import Mapping
from typing import Any

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body, read_number
from trayalert.callbacks.parsing.dimensions import read_dimensions
from trayalert.callbacks.parsing.identity import canonical, key_of, text_identity, timed_identity
from trayalert.domain.incident.alert import Alert, Kind, State
from trayalert.domain.incident.level import read_alert_level, read_level
from trayalert.domain.incident.resource import id_dimension, normalise_namespace, value_or_none
from trayalert.domain.times import Millis, read_timestamp
from trayalert.domain.wording.component import ComponentWords

KIND = Kind("threshold")

_MARKS = frozenset({
    "alertname", "alertstate", "curvalue", "dimensions", "expression", "metricname", "rawmetricname", "metricproject",
    "namespace", "pretriggerlevel", "ruleid", "transid", "triggerlevel",
})  # fmt: skip
"""Typical field names of the threshold callback. No other kind of callback has two of them.

The names are in lower case here, because one page of the documentation spells `curValue` as `Curvalue`.
"""

_STATES = {
    "ALERT": State.ALERT,
    "ALARM": State.ALERT,  # in documents of 2018 and 2019, and in the rule APIs
    "OK": State.OK,
    "INSUFFICIENT_DATA": State.INSUFFICIENT_DATA,
}
_RECOVERED = frozenset({"恢复告警", "恢复"})
"""Words for OK in the `levelDescription` of callbacks that come through a message queue."""

_PLACE_DIMENSIONS = frozenset({"instanceId", "regionId", "region"})
"""If the field `dimensions` is not empty, only these dimensions are added from other fields.

Every dimension becomes part of the incident's key. Therefore an added dimension must name the resource or its region.
"""
_NAME_AND_ADDRESS = re.compile(
    r"(.+)/(\d{1,3}(?:\.[\dXx*]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*)(?:[,;\s].*)?"
)
_NAME_IN_PARTS = re.compile(
    r"(?:^|[,，]\s*)(?:taskName=|实例[：:]|[Ii]nstance\s*[：:=]\s*)([^，]+?)(?=[,，]\s*\w+[=：:]|$)"
)
_ADDRESS_IN_PARTS = re.compile(r"(?:^|[,，]\s*)(?:address=|地址[：:])\s*([^\s，]+?)(?=[,，]|$)")
_LONGEST_NAME = 500
"""Maximum length of a name that is split into parts. Searching a longer name for its parts would take too much time."""
_ESCAPED = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a threshold callback that has an `alertState`. Return None for any other body."""
    texts = _texts(body)
    return (_alert(body, texts),) if "alertstate" in texts else None


def read_remnant(body: Body) -> tuple[Alert, ...] | None:
    """Read a threshold callback that has no `alertState`. Return None if the body is of another kind.

    Call this reader only after the `read` functions of all kinds.
    """
    texts = _texts(body)
    marks = _MARKS.intersection(name.lower() for name in body.fields)
    if not marks & texts.keys() or (len(marks) < 2 and "alertstate" not in marks):
        return None
    return (_alert(body, texts),)


def _texts(body: Body) -> dict[str, str]:
    """Return all fields except those that are empty or the string `null`.

    The keys are the field names in lower case.
    """
    texts = {name.lower(): text for name, value in body.fields.items() if (text := value.strip()) and text != "null"}
    for name, value in (body.document or {}).items():
        match value:
            case [str(only)] if name.lower() in texts and only:  # some relays turn each value of a form into a list
                texts[name.lower()] = only.strip()
    return texts


def _alert(body: Body, texts: Mapping[str, str]) -> Alert:
    dimensions = _dimensions(texts)
    resource_key = _resource_key(texts, dimensions)
    namespace = normalise_namespace(texts.get("namespace")) or normalise_namespace(texts.get("metricproject"))
    account = texts.get("userid") or value_or_none(dimensions.get("userId"))
    rule = texts.get("ruleid")
    metric = texts.get("rawmetricname") or texts.get("metricname")
    state = _state(texts)
    level = read_alert_level(texts.get("triggerlevel"), recovered=state is State.OK)
    at = read_timestamp(texts.get("timestamp") or texts.get("time"))
    # bodies of 2018 have no rule id; the metric alone is not enough, because the OK of one rule would then close the
    # incident of another rule on the same metric
    subject = key_of(account, rule or [texts.get("alertname"), namespace, metric], resource_key)
    if rule and at is not None:
        identity = timed_identity(at, metric, "threshold", str(state), str(level), subject)
    else:
        identity = text_identity(body.callback)
    resource = id_dimension(namespace, dimensions)
    own_name, address = _name_and_address(texts.get("instancename"))
    return Alert(
        kind=KIND,
        identity=identity,
        key=_key(texts.get("transid"), subject),
        subject=subject,
        state=state,
        level=level,
        previous_level=read_level(texts["pretriggerlevel"]) if texts.get("pretriggerlevel") else None,
        at=at,
        name=texts.get("alertname"),
        rule_id=rule,
        metric=metric,
        metric_title=texts.get("metricname") or metric,
        value=read_number(texts.get("curvalue")),
        value_text=_value_as_sent(body.fields, texts.get("curvalue")),
        unit=texts.get("unit"),
        expression=texts.get("expression"),
        namespace=namespace,
        region=texts.get("regionid")
        or value_or_none(dimensions.get("region"))
        or value_or_none(dimensions.get("regionId")),
        resource_id=dimensions[resource] if resource else None,
        resource_name=own_name,
        address=address,
        account_id=account,
        group=texts.get("productgroupname") or texts.get("groupid"),
        dimensions=dimensions,
        fields=body.fields,
    )


def _dimensions(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the dimensions, completed from the fields `dimensionsOriginal` and `instanceInfo` if the body has them."""
    dimensions = read_dimensions(texts.get("dimensions"))
    for name in ("dimensionsoriginal", "instanceinfo"):
        if name in texts:
            take_all = not dimensions  # two disks of one instance differ in a dimension that says no place
            for key, value in read_dimensions(texts[name]).items():
                if take_all or key in _PLACE_DIMENSIONS:
                    dimensions.setdefault(key, value)
    return dimensions


def _resource_key(texts: Mapping[str, str], dimensions: Mapping[str, str]) -> object:
    """Return the value that distinguishes the resources of one rule from each other.

    The value is the first of these that is not empty: the parsed dimensions, the text of the field `dimensions`, the
    resource's name. The name is the last choice, because a name may change while an incident is open. If two resources
    had the same value, the OK of one resource would close the incident of the other resource.
    """
    unread = "" if dimensions else texts.get("dimensions", "").strip("{}[] ")
    return canonical(dimensions) or unread or texts.get("instancename")


def _value_as_sent(fields: Mapping[str, str], text: str | None) -> str | None:
    """Return the value exactly as it was sent, with all spaces. Scripts are promised this exact value.

    An example in Cloud Monitor's documentation is `95 `, with a trailing space.
    """
    sent = fields.get("curValue") or fields.get("Curvalue") or ""
    return sent if sent.strip() == text else text


def _state(texts: Mapping[str, str]) -> State:
    word = (texts.get("alertstate") or "").upper()
    if word in _STATES:
        return _STATES[word]
    if not word and texts.get("leveldescription") in _RECOVERED:
        return State.OK
    if not word and (texts.get("triggerlevel") or "").upper() == "OK":
        return State.OK
    return State.ALERT  # a false alarm is better than a false recovery


def _key(trans_id: str | None, subject: str) -> str:
    if trans_id is None:
        return subject
    return key_of("transId", trans_id) if trans_id.startswith("[") or len(trans_id) > 200 else trans_id


def _name_and_address(text: str | None) -> tuple[str | None, str | None]:
    """Split the value of `instanceName` into a name and an address.

    Examples of such values: `web-01/10.0.0.14`, `taskName=shop，address=…`, `tcp，端口：80，实例：lb`. Any other value
    is a name without an address.
    """
    if text is None or len(text) > _LONGEST_NAME:
        return text, None
    if "\\u" in text:
        text = _ESCAPED.sub(_unescape, text)  # the real service has sent names that were escaped twice
    if match := _NAME_AND_ADDRESS.fullmatch(text):
        return match[1], match[2]
    name, address = _NAME_IN_PARTS.search(text), _ADDRESS_IN_PARTS.search(text)
    return name[1] if name else text, address[1] if address else None


def _unescape(match: re.Match[str]) -> str:
    units = bytes.fromhex(match[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _stamp(parts: dict[str, Any], now: Millis | None, recover: bool) -> None:
    if now is not None:
        parts["timestamp"] = str(now)
    if recover:
        parts |= {"alertState": "OK", "triggerLevel": "OK", "preTriggerLevel": parts.get("triggerLevel") or "null"}


KIND_SPEC = KindSpec(
    kind=KIND, read=read, read_remnant=read_remnant, stamp=_stamp, component_words=ComponentWords(unknown=True)
)
