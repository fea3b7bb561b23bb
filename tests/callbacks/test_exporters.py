"""Labels of Prometheus: an alert is about what its metric names, never about the exporter that measured it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import EXPORTERS, MEASURED, as_json
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import Alert
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import component_text

KSM = EXPORTERS["kube-state-metrics"]
KUBELET = {
    "job": "kubelet", "metrics_path": "/metrics", "service": "kube-prometheus-kubelet", "endpoint": "https-metrics",
    "instance": "10.0.0.7:10250", "node": "worker-1", "namespace": "kube-system",
}  # fmt: skip
CADVISOR = KUBELET | {"metrics_path": "/metrics/cadvisor", "namespace": "shop"}
NODE = {
    "job": "node-exporter", "pod": "node-exporter-x2x", "container": "node-exporter", "namespace": "monitoring",
    "service": "monitoring-prometheus-node-exporter", "endpoint": "https", "instance": "10.0.0.7:9100",
}  # fmt: skip
MYSQL = EXPORTERS["MySQL exporter"]


def on(alertname: str = "X", /, **labels: str) -> Alert:
    entry: dict[str, Any] = {"status": "firing", "labels": {"alertname": alertname, **labels}, "fingerprint": "f"}
    (alert,) = read_callback(callback(as_json({"status": "firing", "groupLabels": {}, "alerts": [entry]})))
    return alert


@pytest.mark.parametrize(
    ("labels", "resource", "address", "part"),
    [
        # kube-state-metrics
        ({**KSM, "deployment": "cart", "namespace": "shop"}, "cart", None, "namespace shop"),
        (
            {**KSM, "pod": "cart-7d4-x", "container": "cart", "namespace": "shop", "reason": "CrashLoopBackOff"},
            "cart-7d4-x", None, "container cart, namespace shop",
        ),
        ({**KSM, "pod": "cart-7d4-x", "namespace": "shop", "phase": "Pending"}, "cart-7d4-x", None, "namespace shop"),
        ({**KSM, "node": "worker-1", "condition": "Ready"}, "worker-1", None, ""),
        ({**KSM, "job_name": "nightly-28", "namespace": "shop"}, "nightly-28", None, "namespace shop"),
        ({**KSM, "service": "cart", "namespace": "shop"}, "cart", None, "namespace shop"),
        ({**KSM, "namespace": "shop", "phase": "Terminating"}, "shop", None, ""),
        (
            {**KSM, "exported_pod": "cart-7d4-x", "exported_container": "cart", "exported_namespace": "shop"},
            "cart-7d4-x", None, "container cart, namespace shop",
        ),
        ({**KSM, "deployment": "cart", "exported_namespace": "shop"}, "cart", None, "namespace shop"),
        ({**KSM, "exported_node": "worker-1", "node": "infra-1"}, "worker-1", None, ""),
        ({**KSM, "exported_service": "cart", "exported_namespace": "shop"}, "cart", None, "namespace shop"),
        (
            {**KSM, "pod": "node-exporter-1", "container": "node-exporter", "namespace": "tools"},
            "node-exporter-1", None, "container node-exporter, namespace tools",
        ),
        ({**EXPORTERS["kube-state-metrics found by annotations"], "node": "worker-1"}, "worker-1", None,
         ""),
        ({"job": "kube-state-metrics", "pod": "cart-7d4-x", "namespace": "shop"}, "cart-7d4-x", None, "namespace shop"),
        ({"job": "c", "container": "kube-state-metrics", "pod": "m-1", "instance": "10.9.9.9:80", "deployment": "cart"},
         "cart", None, ""),
        # recording rules and `sum by`, which remove the exporter's labels
        ({"deployment": "cart", "namespace": "shop"}, "cart", None, "namespace shop"),
        ({"deployment": "cart", "instance": "10.42.9.28:8080"}, "cart", None, "instance 10.42.9.28:8080"),
        ({"namespace": "monitoring", "pod": "node-exporter-1", "container": "node-exporter"}, "node-exporter-1", None,
         "container node-exporter, namespace monitoring"),
        ({"namespace": "shop"}, "shop", None, ""),
        ({"node": "worker-1", "instance": "10.0.0.7:10250"}, "10.0.0.7:10250", "10.0.0.7", "node worker-1"),
        # exporters that run on the node they measure
        (NODE | {"mountpoint": "/data"}, "10.0.0.7:9100", "10.0.0.7", "mount /data"),
        (NODE | {"instance": "worker-1"}, "worker-1", None, ""),
        ({"job": "node", "instance": "10.0.0.7:9100"}, "10.0.0.7:9100", "10.0.0.7", ""),
        ({"job": "node", "instance": "10.0.0.7:9100", "pod": "node-exporter-x", "container": "node-exporter"},
         "10.0.0.7:9100", "10.0.0.7", ""),
        ({"job": "windows_exporter", "instance": "10.0.0.8:9182", "volume": "C:"}, "10.0.0.8:9182", "10.0.0.8", ""),
        ({"job": "process-exporter", "instance": "10.0.0.8:9256", "groupname": "java"}, "10.0.0.8:9256", "10.0.0.8",
         "process java"),
        ({"job": "process-exporter", "pod": "process-exporter-1", "instance": "10.42.0.8:9256", "node": "worker-1"},
         "10.42.0.8:9256", None, "node worker-1"),
        # the kubelet and cAdvisor
        (KUBELET | {"persistentvolumeclaim": "data-db-0", "namespace": "shop"}, "data-db-0", None,
         "node worker-1, instance 10.0.0.7:10250, namespace shop"),
        (KUBELET, "10.0.0.7:10250", "10.0.0.7", "node worker-1"),
        (CADVISOR | {"pod": "cart-7d4-x", "container": "cart"}, "cart-7d4-x", None,
         "container cart, node worker-1, instance 10.0.0.7:10250, namespace shop"),
        (CADVISOR | {"pod": "kube-state-metrics-1", "container": "kube-state-metrics"}, "kube-state-metrics-1", None,
         "container kube-state-metrics, node worker-1, instance 10.0.0.7:10250, namespace shop"),
        ({"job": "cadvisor", "instance": "cadvisor:8080", "name": "shop_web_1", "image": "web:1"}, "shop_web_1", None,
         "instance cadvisor:8080"),
        # one exporter for several servers
        ({"job": "blackbox", "instance": "https://shop.example.com"}, "https://shop.example.com", None, ""),
        ({"job": "blackbox-icmp", "instance": "10.0.0.5"}, "10.0.0.5", "10.0.0.5", ""),
        ({"job": "blackbox", "instance": "http://10.0.0.5:80/x"}, "http://10.0.0.5:80/x", None, ""),
        ({"job": "blackbox", "target": "10.0.0.5:443", "instance": "10.9.9.9:9115"}, "10.0.0.5:443", "10.0.0.5", ""),
        (MYSQL | {"instance": "10.0.0.5:3306"}, "10.0.0.5:3306", "10.0.0.5", ""),
        (MYSQL | {"exported_instance": "10.0.0.5:3306"}, "10.0.0.5:3306", "10.0.0.5", ""),
        (MYSQL | {"target": "db1:3306"}, "db1:3306", None, ""),
        (MYSQL, "mysqld-exporter", None, ""),
        ({"job": "mysqld-exporter", "instance": "db1:9104"}, "db1:9104", None, ""),
        ({"job": "mysql", "instance": "mysqld-exporter:9104", "target": "db1"}, "db1", None, ""),
        ({"job": "mysql", "instance": "10.0.0.5:9104"}, "10.0.0.5:9104", None, ""),
        ({"job": "postgres-exporter", "server": "10.0.0.6:5432", "instance": "10.9.9.9:9187"}, "10.0.0.6:5432",
         "10.0.0.6", ""),
        ({"job": "redis", "pod": "redis-0", "container": "redis-exporter", "instance": "10.42.1.5:9121"}, "redis-0",
         None, ""),
        ({"job": "elasticsearch-exporter", "host": "10.1.1.5", "name": "es-1", "instance": "es-exporter:9114"},
         "10.1.1.5", "10.1.1.5", ""),
        ({"job": "kafka-exporter", "consumergroup": "pay", "topic": "orders", "instance": "kafka-exporter:9308"}, "pay",
         None, "topic orders"),
        ({"job": "rabbitmq-exporter", "node": "rabbit@a", "queue": "q", "instance": "rabbitmq-exporter:9419"},
         "rabbit@a", None, "queue q"),
        ({"job": "snmp", "instance": "192.168.1.1", "ifName": "ge-0/0/1"}, "192.168.1.1", "192.168.1.1", ""),
        ({"job": "ipmi-exporter", "instance": "192.168.1.9:623", "name": "Fan 1"}, "192.168.1.9:623", "192.168.1.9",
         ""),
        ({"job": "jmx-exporter", "pod": "kafka-0", "container": "kafka", "instance": "10.42.1.5:7071"}, "kafka-0", None,
         "container kafka"),
        ({"job": "expose-kubernetes-metrics", "instance": "10.42.0.5:8080", "pod": "cart-7d4-x", "namespace": "shop"},
         "cart-7d4-x", None, "namespace shop"),
        ({"job": "expose-kubernetes-metrics", "instance": "10.42.0.5:8080", "pod": "exporter-kube-state-7c-x",
          "container": "exporter-kube-state", "node": "worker-1"}, "worker-1", None, ""),
        ({"job": "KubeStateMetrics", "pod": "cart-7d4-x", "instance": "10.42.0.5:8080"}, "cart-7d4-x", None, ""),
        ({"job": "kube-state", "pod": "cart-7d4-x", "instance": "10.42.0.5:8080"}, "cart-7d4-x", None, ""),
        ({"job": "smokeping", "host": "10.0.0.9", "instance": "10.9.9.9:9374"}, "10.9.9.9:9374", None,
         ""),
        ({"job": "expose-node-metrics", "instance": "10.0.0.7:9796", "pod": "exporter-node-x", "node": "worker-1"},
         "10.0.0.7:9796", "10.0.0.7", "node worker-1"),
        ({"job": "pushgateway", "instance": "10.9.9.9:9091", "exported_job": "nightly"}, "nightly", None, ""),
        ({"job": "pushgateway", "instance": "10.9.9.9:9091", "exported_job": "nightly", "exported_instance": "db1"},
         "db1", None, ""),
        ({"job": "nightly", "pod": "pushgateway-1", "container": "pushgateway", "instance": "10.42.1.1:9091"},
         "nightly", None, ""),
        ({"job": "push", "pod": "push-1", "instance": "10.42.1.1:9091", "exported_job": "nightly"}, "nightly", None,
         ""),
        ({"job": "cloudwatch", "dimension_InstanceId": "i-1", "instance": "10.9.9.9:5000"}, "i-1", None, ""),
        ({"job": "certs", "pod": "certs-1", "container": "certs", "namespace": "certs", "name": "tls",
          "exported_namespace": "shop", "instance": "10.42.1.1:9402"}, "tls", None, "namespace shop"),
        # a Prometheus that gets its metrics from another Prometheus
        ({"job": "federate", "instance": "10.9.9.9:9090", "exported_job": "node-exporter",
          "exported_instance": "10.0.0.7:9100"}, "10.0.0.7:9100", "10.0.0.7", ""),
        ({"job": "federate", "instance": "10.9.9.9:9090", "exported_job": "kube-state-metrics",
          "exported_instance": "10.42.9.28:8080", "pod": "kube-state-metrics-1", "deployment": "cart"}, "cart", None,
         ""),
        # applications and the parts of Kubernetes export metrics about themselves
        ({"job": "shop", "pod": "cart-7d4-x", "container": "cart", "namespace": "shop", "instance": "10.42.3.4:8080",
          "node": "worker-1"}, "cart-7d4-x", "10.42.3.4",
         "container cart, node worker-1, instance 10.42.3.4:8080, namespace shop"),
        ({"job": "coredns", "pod": "coredns-1", "instance": "10.42.0.2:9153"}, "coredns-1", "10.42.0.2",
         "instance 10.42.0.2:9153"),
        ({"job": "db", "pod": "orders-db-1", "container": "postgres", "instance": "10.42.1.1:9187"}, "orders-db-1",
         "10.42.1.1", "container postgres, instance 10.42.1.1:9187"),
        ({"job": "web", "instance": "https://exporter.example.com/"}, "https://exporter.example.com/", None, ""),
        (MYSQL | {"deployment": "mysqld-exporter"}, "mysqld-exporter", None, ""),
        (MYSQL | {"node": "infra-1"}, "mysqld-exporter", None, ""),
        ({"job": "kubelet"}, "kubelet", None, ""),
        ({"job": "aliyun-exporter", "id": "rm-1", "instance": "10.9.9.9:9525"}, "rm-1", None, ""),
        ({"job": "dcgm-exporter", "Hostname": "worker-1", "pod": "dcgm-exporter-1", "instance": "10.42.1.1:9400"},
         "worker-1", None, ""),
        ({"job": "kube-etcd", "pod": "etcd-a", "instance": "10.0.0.1:2381"}, "etcd-a", "10.0.0.1",
         "instance 10.0.0.1:2381"),
        ({"job": "apiserver", "service": "kubernetes", "instance": "10.0.0.1:6443"}, "10.0.0.1:6443", "10.0.0.1",
         "service kubernetes"),
        ({"job": "shop", "pod": "cart-7d4-x", "deployment": "cart", "instance": "10.42.3.4:8080"}, "cart-7d4-x",
         "10.42.3.4", "deployment cart, instance 10.42.3.4:8080"),
        ({"job": "agent", "pod": "agent-1", "deployment": "cart", "instance": "10.42.3.4:8080"}, "cart", None,
         "instance 10.42.3.4:8080"),
        ({"job": "shop", "instance": "10.0.0.1:8080", "exported_status": "5xx"}, "10.0.0.1:8080", "10.0.0.1", ""),
        ({"instance": "127.0.0.1:9090", "job": "prometheus"}, "127.0.0.1:9090", None, ""),
        ({"job": "shop", "namespace": "shop"}, "shop", None, ""),
    ],
)  # fmt: skip
def test_an_alert_is_on_what_its_metric_names(
    labels: dict[str, str], resource: str, address: str | None, part: str
) -> None:
    alert = on(**labels)

    assert (alert.resource_id, alert.address, component_text(alert, Language.EN)) == (resource, address, part)
    assert alert.dimensions == {"alertname": "X", **labels}


@pytest.mark.parametrize(
    ("name", "labels", "resource"),
    [
        ("KubeStateMetricsWatchErrors", KSM, "10.42.9.28:8080"),
        ("PrometheusTargetMissing", MYSQL, "10.42.9.28:9104"),
        ("InstanceDown", {"job": "blackbox", "instance": "blackbox-exporter:9115"}, "blackbox-exporter:9115"),
        ("TargetDown", {"job": "kube-state-metrics", "namespace": "m", "service": "ksm"}, "ksm"),
        ("KubeStateMetricsDown", {"job": "kube-state-metrics"}, "kube-state-metrics"),
        ("TargetDown", {"job": "cart", "namespace": "shop", "service": "cart"}, "cart"),
        ("PrometheusTargetMissing", NODE, "10.0.0.7:9100"),
    ],
)
def test_what_is_wrong_with_an_exporter_is_on_the_exporter(name: str, labels: dict[str, str], resource: str) -> None:
    assert on(name, **labels).resource_id == resource


@given(
    exporter=st.sampled_from(sorted(EXPORTERS)),
    measured=st.sampled_from(MEASURED),
    renamed=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_no_label_of_an_exporter_is_taken_for_what_it_measures(
    exporter: str, measured: tuple[str, dict[str, str]], order: Any, *, renamed: bool
) -> None:
    own, (naming, labels) = EXPORTERS[exporter], measured
    both = {**own, **{f"exported_{name}" if renamed and name in own else name: labels[name] for name in labels}}
    names = list(both)
    order.shuffle(names)
    alert = on(**{name: both[name] for name in names})
    exporters = {text for name, text in own.items() if both[name] == text and name != "namespace"}

    assert alert.resource_id == labels[naming]
    assert alert.resource_id not in exporters
    assert alert.address is None
    assert not any(text in component_text(alert, Language.EN) for text in exporters - {"ksm", "cluster", "main"})


def key_by_labels(labels: dict[str, str]) -> str:
    """Return the key of an alert that was sent without a fingerprint."""
    entry = {"status": "firing", "labels": {"alertname": "X", **labels}}
    (alert,) = read_callback(callback(as_json({"status": "firing", "groupLabels": {}, "alerts": [entry]})))
    return alert.key


def test_the_order_of_labels_and_what_they_mean_change_no_key() -> None:
    labels = {**KSM, "deployment": "cart"}

    assert key_by_labels(labels) == key_by_labels(dict(reversed(labels.items())))


@pytest.mark.parametrize("label", KSM)
def test_the_labels_of_the_exporter_are_in_the_key(label: str) -> None:
    labels = {**KSM, "deployment": "cart"}

    assert key_by_labels(labels) != key_by_labels(labels | {label: "another"})
