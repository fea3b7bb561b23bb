"""Bodies of all kinds except the threshold callback, and the ways in which each body may be sent."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from tests.callbacks.bodies import callback
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Alert

Document = Mapping[str, Any]

MAINTENANCE: dict[str, Any] = {
    # as printed in "ECS system events" (2019)
    "ver": "1.0",
    "id": "2256A988-0B26-4E2B-820A-8A9B5E8F40E5",
    "product": "ECS",
    "resourceId": "acs:ecs:cn-hangzhou:1690000000000001:instance/i-bp1example0001",
    "level": "CRITICAL",
    "name": "Instance:SystemMaintenance.Reboot:Scheduled",
    "userId": "1690000000000001",
    "eventTime": "20190409T121826.922+0800",
    "regionId": "cn-hangzhou",
    "content": {
        "eventId": "e-bp11example0001",
        "publishTime": "2019-04-09T04:18:26Z",
        "notBefore": "2019-04-12T01:01:01Z",
        "instanceId": "i-bp1example0001",
        "eventType": "SystemMaintenance.Reboot",
        "eventStatus": "Scheduled",
    },
}

PUSHED: dict[str, Any] = {
    # as logged from the event centre (2024), with invented ids
    "severity": "WARN",
    "userInfo": {"aliyunId": "a@example.com", "nickName": "a", "userId": "1000"},
    "strategyName": "测试",
    "relatedAlertIds": ["3a1c"],
    "groupingId": "0d0d",
    "retriggerTime": 0,
    "subscription": {
        "subscriptionUuid": "9f9f",
        "conditions": [{"op": "EQ", "field": "source", "value": "SYS_EVENT"}],
        "relation": "AND",
    },
    "batchId": "7b7b",
    "userId": "1000",
    "escalationLevel": 0,
    "alert": {
        "alertStatus": "TRIGGERED",
        "traceId": "t-1",
        "severity": "WARN",
        "product": "ECS",
        "groupId": "50000017",
        "groupName": "shop",
        "eventRawContent": '{"instanceId":"i-bp1example0002","state":"Stopped"}',
        "source": "SYS_EVENT",
        "eventType": "StatusNotification",
        "userId": "1000",
        "eventContentMap": {"instanceId": "i-bp1example0002", "state": "Stopped", "privateIpAddress": "10.0.0.7"},
        "meta": {
            "sysEventMeta": {
                "resourceId": "acs:ecs:cn-shanghai:1000:instance/i-bp1example0002",
                "product": "ECS",
                "eventNameEn": "Instance state changed",
                "eventNameZh": "实例状态改变通知",
                "instanceName": "web-02",
                "level": "WARN",
                "regionId": "cn-shanghai",
                "eventTime": "20240910T172317.000+0800",
                "name": "Instance:StateChange",
                "id": "t-1",
                "status": "Normal",
            }
        },
        "dedupId": "d-1",
        "eventName": "Instance:StateChange",
        "arn": "acs:ecs:cn-shanghai:1000:instance/i-bp1example0002",
        "timestamp": 1725960397000,
    },
    "time": 1725960397000,
}

CMS2: dict[str, Any] = {
    "specversion": "1.0",
    "id": "alert-event-1",
    "type": "ALERT",
    "subtype": "NORMAL_TRIGGER",
    "time": "2026-07-29T04:40:00.123Z",
    "timestamp": 1785300000123,
    "subject": "ECS CPU usage is high",
    "severity": "WARNING",
    "status": "OCCURRED",
    "userId": "123456",
    "ruleId": "rule-1",
    "workspace": "default-cms-123456-cn-beijing",
    "traceId": "trace-1",
    "alertMessage": "CPU usage exceeded 80%",
    "alertEntityId": "ecs:i-bp1example0003",
    "resource": {
        "entity": {
            "domain": "ecs",
            "entity_type": "instance",
            "entity_id": "i-bp1example0003",
            "prop": {"instanceName": "web-03"},
        },
        "tags": {"regionId": "cn-hangzhou"},
    },
    "labels": {"team": "shop", "customNumber": 7},
    "annotations": {"current_value": "92.5"},
    "data": {"value": 92.5, "threshold": 80, "comparisonOperator": ">"},
    "alertEntityFields": {"privateIp": "10.0.0.3"},
    "ruleUrl": "https://cmsnext.console.aliyun.com/rule",
    "entityUrl": "https://cmsnext.console.aliyun.com/entity",
    "alertRuleUrl": "https://cmsnext.console.aliyun.com/alert-rule",
    "alertHistoryUrl": "https://cmsnext.console.aliyun.com/history",
}

ARMS: dict[str, Any] = {
    # as printed in ARMS' page on webhooks; its times have nine decimals, and it has an end while it fires
    "status": "firing",
    "receiver": "shop",
    "externalURL": "https://alerts.console.aliyun.com/#/alarm/alert/detail/2848",
    "groupLabels": {},
    "commonLabels": {"alertname": "PodRestart"},
    "commonAnnotations": {},
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "PodRestart",
                "severity": "warning",
                "pod_name": "web-7d4b",
                "_aliyun_arms_userid": "1131971000000001",
                "_aliyun_arms_region_id": "cn-hangzhou",
                "_aliyun_arms_alert_level": "ERROR",
                "_aliyun_arms_alert_rule_id": "3927051",
                "_aliyun_arms_involvedObject_kind": "cluster",
                "_aliyun_arms_involvedObject_type": "ManagedKubernetes",
                "_aliyun_arms_involvedObject_id": "c0123456789abcdef0123456789abcdef",
                "_aliyun_arms_involvedObject_name": "prod",
            },
            "annotations": {"message": "Pod web-7d4b restarts", "value": "15.521240234375"},
            "startsAt": "2021-02-22T07:18:15.578000000Z",
            "endsAt": "2021-02-22T07:22:15.578000000Z",
            "fingerprint": "bec72890cc2c7b4a027e008df0cd1013",
        }
    ],
}

SLS: dict[str, Any] = {
    # the default content template
    "aliuid": "1179186349530001",
    "alert_instance_id": "ee16a8f435485f3f-5be6b81edc520-3d6",
    "alert_id": "alert-1617164106-940166",
    "alert_name": "错误日志太多",
    "region": "cn-hangzhou",
    "project": "my-project",
    "alert_time": 1616744734,
    "fire_time": 1616059834,
    "resolve_time": 0,
    "status": "firing",
    "results": [
        {"store_type": "log", "region": "cn-hangzhou", "project": "my-project", "store": "nginx", "query": "*"}
    ],
    "fire_results": [{"host": "www.example.com", "pv": "836"}],
    "fire_results_count": 3,
    "labels": {"env": "prod"},
    "annotations": {"title": "Too many errors", "desc": "836 in 5 minutes"},
    "severity": 8,
    "fingerprint": "0123abcd",
    "condition": "Count:[3] > 0",
    "query_url": "https://sls.console.aliyun.com/lognext/project/my-project/logsearch/nginx",
    "alert_url": "https://sls.console.aliyun.com/lognext/project/my-project/alert/alert-1617164106-940166",
}

PAIR: dict[str, Any] = {
    # a VPN gateway's health check, sent by an event rule
    "product": "VPN",
    "name": "ipsec_health_check_failed",
    "status": "0",
    "level": "CRITICAL",
    "eventTime": "20261130T070000.000+0800",
    "userId": "1690000000000001",
    "regionId": "cn-hangzhou",
    "resourceId": "acs:vpn:cn-hangzhou:1690000000000001:vpn/vco-1",
    "id": "2256A988",
    "content": {},
}

KINDS: dict[str, tuple[str, Document]] = {
    "event rule": ("event", MAINTENANCE),
    "event of a pair": ("event", PAIR),
    "event centre": ("event", PUSHED),
    "cms2": ("cms2", CMS2),
    "alertmanager": ("alertmanager", ARMS),
    "sls": ("sls", SLS),
}


def as_json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def as_form(document: Document) -> bytes:
    """Encode the document as a form, in which nested parts are JSON texts."""
    return urlencode(
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()},
        errors="replace",
    ).encode()


CARRIERS: dict[str, Callable[[Document], Callback]] = {
    "POST JSON": lambda document: callback(as_json(document), content_type="application/json"),
    "POST JSON as text": lambda document: callback(as_json(document), content_type="text/plain"),
    "GET JSON": lambda document: callback(query=b"data=" + quote_plus(as_json(document)).encode(), method="GET"),
    "GET JSON beside the URL's own query": lambda document: callback(
        query=b"from=aliyun&data=" + quote_plus(as_json(document)).encode(), method="GET"
    ),
    "POST FORM": lambda document: callback(as_form(document)),
    "GET FORM": lambda document: callback(query=as_form(document), method="GET"),
    "JSON as a form's name": lambda document: callback(quote_plus(as_json(document)).encode() + b"="),
    "JSON as the name of a field and no more": lambda document: callback(quote_plus(as_json(document)).encode()),
    "JSON in a form's field": lambda document: callback(b"payload=" + quote_plus(as_json(document)).encode()),
    "JSON with a mark before it": lambda document: callback(b"\xef\xbb\xbf\r\n" + as_json(document)),
    "JSON in a multipart form": lambda document: callback(
        b'--x\r\nContent-Disposition: form-data; name="payload"\r\n\r\n' + as_json(document) + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    ),
    "JSON in UTF-16": lambda document: callback(as_json(document).decode().encode("utf-16")),
    "JSON in a text of JSON": lambda document: callback(json.dumps(as_json(document).decode()).encode()),
    "JSON in JSON": lambda document: callback(as_json({"data": as_json(document).decode()})),
}


def read_document(document: Document) -> Alert:
    """Read a document that holds exactly one alert besides those that only close incidents."""
    (alert,) = (alert for alert in read_callback(callback(as_json(document))) if not alert.only_closes)
    return alert


def changed(document: Document, *path: str, **parts: object) -> dict[str, Any]:
    """Return a copy of the document in which `parts` replace the parts at `path`. A value of None removes a part."""
    copy = json.loads(json.dumps(document))
    place = copy
    for name in path:
        place = place[name]
    place.update(parts)
    for name in [name for name, part in parts.items() if part is None]:
        del place[name]
    return dict(copy)


FAMILIES = (
    # the word of the beginning, the word of the end, and a group: an end can close only beginnings of its group
    ("start", "end", "course"), ("begin", "end", "course"), ("add", "end", "course"), ("start", "success", "course"),
    ("abnormal", "restore", "course"), ("abnormal", "normal", "course"), ("failed", "success", "course"),
    ("fail", "recovered", "course"), ("error", "resolved", "course"), ("lost", "recovered", "course"),
    ("full", "normal", "course"), ("unhealthy", "healthy", "course"), ("alarm", "cleared", "course"),
    ("异常", "恢复", "course"), ("发生", "恢复", "course"), ("开始", "结束", "course"), ("失败", "成功", "course"),
    ("offline", "online", "line"), ("下线", "上线", "line"),
    ("down", "up", "way up"),
    ("disconnected", "connected", "connection"),
    ("unavailable", "available", "use"),
    ("locked", "unlocked", "lock"), ("锁定", "解锁", "lock"),
    ("stopped", "running", "run"),
    ("suspended", "resumed", "rest"), ("paused", "resumed", "rest"),
    ("enter", "exit", "stay"),
)  # fmt: skip
"""Pairs of words by which the beginning of an event is distinguished from its end."""

WRITINGS: dict[str, Callable[[list[str]], str]] = {
    "snake": "_".join,
    "upper": lambda words: "_".join(words).upper(),
    "camel": lambda words: "".join(word.capitalize() for word in words),
    "colon": lambda words: "".join(word.capitalize() for word in words[:-1]) + ":" + words[-1].capitalize(),
    "colon and snake": lambda words: "PRODUCT:" + "_".join(words).upper(),
    "dash": "-".join,
    "dot": ".".join,
    "space": " ".join,
}

PLACES: dict[str, Callable[[Callable[[list[str]], str], list[str], str], tuple[str, str | None]]] = {
    # the place of the family's word: the name, the status, or both
    "name": lambda write, stem, word: (write([*stem, word]), None),
    "name beside a number": lambda write, stem, word: (write([*stem, word]), "1"),
    "status": lambda write, stem, word: (write([*stem, "status"]), word),
    "both": lambda write, stem, word: (write([*stem, word]), word.upper()),
    "both, the status in full": lambda write, stem, word: (write([*stem, word]), write([stem[-1], word])),
}


def pushed(rule: Document) -> dict[str, Any]:
    """Return what the event centre sends for an event that an event rule sends as `rule`."""
    return {
        "strategyName": "all",
        "userId": rule["userId"],
        "severity": rule["level"],
        "alert": {
            "alertStatus": "TRIGGERED",
            "source": "SYS_EVENT",
            "product": rule["product"],
            "eventName": rule["name"],
            "arn": rule["resourceId"],
            "traceId": rule["id"],
            "dedupId": f"dedup of {rule['id']}",
            "eventContentMap": rule["content"],
            "meta": {"sysEventMeta": dict(rule)},
        },
    }


# the labels that Prometheus adds to the metrics of an exporter, and that describe the exporter itself
_HELM = {"namespace": "monitoring", "endpoint": "metrics"}
EXPORTERS: dict[str, dict[str, str]] = {
    "kube-state-metrics": {
        "job": "kube-state-metrics", "container": "kube-state-metrics", "pod": "kube-state-metrics-6f664bc8c4-abcde",
        "service": "monitoring-kube-state-metrics", "instance": "10.42.9.28:8080", **_HELM,
    },
    "kube-state-metrics found by annotations": {
        "job": "kubernetes-service-endpoints", "app_kubernetes_io_name": "kube-state-metrics", "node": "infra-1",
        "service": "prometheus-kube-state-metrics", "instance": "10.42.9.28:8080", "namespace": "monitoring",
    },
    "kube-state-metrics of a monitor in another namespace": {
        "job": "monitoring/kube-state-metrics", "pod": "kube-state-metrics-0", "container": "main",
        "instance": "10.42.9.28:8443", **_HELM,
    },
    "kube-state-metrics under a short name": {
        "job": "ksm", "pod": "prod-ksm-5c9-x2x", "container": "ksm", "service": "prod-ksm", "instance": "10.42.9.28:80",
    },
    "kube-state-metrics outside": {"job": "kube_state_metrics", "instance": "10.42.9.28:30080"},
    "told by its service": {"job": "cluster", "service": "kube-state-metrics", "instance": "10.42.9.28:8080"},
    "cloud exporter": {
        "job": "aliyun-exporter", "pod": "aliyun-exporter-7d4-x", "container": "aliyun-exporter",
        "service": "aliyun-exporter", "instance": "10.42.9.28:9525", **_HELM,
    },
    "MySQL exporter": {
        "job": "mysqld-exporter", "pod": "prometheus-mysql-exporter-0", "container": "mysqld-exporter",
        "service": "prometheus-mysql-exporter", "instance": "10.42.9.28:9104", **_HELM,
    },
    "blackbox exporter": {"job": "blackbox", "instance": "blackbox-exporter:9115"},
    "an exporter that nobody knows": {
        "job": "monitoring/shop-exporter", "pod": "shop-exporter-7d4-x", "container": "shop-exporter",
        "instance": "10.42.9.28:8000", **_HELM,
    },
}  # fmt: skip

# the labels of things that are measured, each with the name of the label that identifies the thing
MEASURED: list[tuple[str, dict[str, str]]] = [
    ("pod", {"pod": "cart-7d4b9-x2x", "container": "cart", "namespace": "shop"}),
    ("pod", {"pod": "node-exporter-x2x", "container": "node-exporter", "namespace": "tools"}),
    ("deployment", {"deployment": "cart", "namespace": "shop"}),
    ("statefulset", {"statefulset": "db", "namespace": "shop"}),
    ("daemonset", {"daemonset": "logs", "namespace": "shop"}),
    ("job_name", {"job_name": "nightly-28", "namespace": "shop"}),
    ("cronjob", {"cronjob": "nightly", "namespace": "shop"}),
    ("horizontalpodautoscaler", {"horizontalpodautoscaler": "cart", "namespace": "shop"}),
    ("persistentvolumeclaim", {"persistentvolumeclaim": "data-db-0", "namespace": "shop"}),
    ("resourcequota", {"resourcequota": "compute", "resource": "pods", "namespace": "shop"}),
    ("instance_id", {"instance_id": "rm-bp1example", "region": "cn-hangzhou"}),
]
