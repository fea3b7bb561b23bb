"""Threshold callbacks as their senders write them: form-encoded, bare as in printed samples, and as JSON."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote_plus

from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Alert

NOW = 1_795_000_000_000
FORM = "application/x-www-form-urlencoded; charset=UTF-8"

Writer = Callable[[Mapping[str, str]], bytes]

FULL = {
    "alertName": "API网关_返回码 4XX 个数",
    "alertState": "ALERT",
    "curValue": "97.39",
    "dimensions": "{userId=1900000000000010, device=/dev/vda1, instanceId=i-bp1example00000010aa}",
    "expression": "$Average>=95",
    "metricName": "磁盘使用率",
    "rawMetricName": "diskusage_utilization",
    "metricProject": "acs_ecs",
    "namespace": "acs_ecs_dashboard",
    "instanceName": "web-01/10.0.0.14",
    "triggerLevel": "CRITICAL",
    "preTriggerLevel": "WARN",
    "ruleId": "applyTemplate53767d2a-ae72-11ed-b2ca-00163e2c0001",
    "userId": "1900000000000010",
    "signature": "t8QUUg0U+SpQIZzl7ITSELzeIU8=",
    "timestamp": "1685614196421",
    "groupId": "50000017",
    "productGroupName": "R&D prod",
    "lastTime": "2 minutes",
    "regionId": "cn-hangzhou",
    "regionName": "China (Hangzhou)",
    "transId": "bbbb2222-0064-11ee-b07f-00163e000002",
    "unit": "%",
}
"""Every field that is documented or was logged, except the rare fields that only other receivers get."""


def form(fields: Mapping[str, str]) -> bytes:
    """Encode the fields as a form, as the real service does."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items()).encode()


def bare(fields: Mapping[str, str]) -> bytes:
    """Join the fields without encoding them, as the documents print them."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def document(fields: Mapping[str, object]) -> bytes:
    """Encode the fields as a JSON object."""
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


def callback(
    body: bytes = b"", *, query: bytes = b"", method: str = "POST", content_type: str = FORM, received_at: int = NOW
) -> Callback:
    return Callback(
        received_at=received_at, method=method, query=query, content_type=content_type, sender="10.0.0.1", body=body
    )


def read(body: bytes = b"", *, query: bytes = b"", method: str = "POST", content_type: str = FORM) -> Alert:
    """Read a request that holds exactly one alert."""
    (alert,) = read_callback(callback(body, query=query, method=method, content_type=content_type))
    return alert


def read_form(fields: Mapping[str, str]) -> Alert:
    return read(form(fields))


def changed(**fields: str) -> dict[str, str]:
    """Return FULL with other values."""
    return FULL | fields


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FULL.items() if name not in names}
