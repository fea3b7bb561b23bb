"""Separates the labels of a Prometheus metric from the labels of the exporter that measured the metric.

An exporter measures something other than itself: a host, other programs or the objects of an API. Prometheus adds
labels to the labels of the metric. The added labels describe the exporter: its job, instance, pod, service and so on.
If the metric already has a label of the same name, Prometheus adds the prefix `exported_` to the name of the metric's
label. With `honor_labels`, Prometheus does not rename the metric's label.

Sources: prometheus.io, "Configuration" (`honor_labels`), "Exporters and integrations", "Multi-target exporter pattern";
Prometheus' wiki, "Default port allocations"; kube-state-metrics' docs/metrics; the Helm charts of prometheus-community.
"""

import enum
import functools
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class _ExporterFamily(enum.Enum):
    """What an exporter measures. The family determines whose address the label `instance` contains."""

    OBJECTS = enum.auto()  # measures the objects of an API, such as Kubernetes: `instance` is the exporter's address
    HOST = enum.auto()  # measures the host that it runs on: `instance` is the host's address
    KUBELET = enum.auto()  # measures its host's containers: `instance` is the host's address, `pod` is the measured pod
    TARGETS = enum.auto()  # measures servers: `instance` is the exporter's address, unless it was relabelled


_STATE_METRICS = (
    "kube-state-metrics", "openshift-state-metrics", "ksm", "kube-state", "kubestatemetrics",
    "expose-kubernetes-metrics",  # the name in the first version of Rancher's monitoring
)  # fmt: skip
_CLOUD_EXPORTERS = ("cloudwatch", "yace", "stackdriver", "aliyun-exporter", "cloud-exporter", "cloudmonitor-exporter")
_HOST_EXPORTERS = (
    "node-exporter", "nodeexporter", "windows-exporter", "wmi-exporter", "process-exporter", "smartctl-exporter",
    "expose-node-metrics",
)  # fmt: skip
_NAMES = {
    # words in the names of jobs, services, containers and pods; an exporter without such a word measures targets
    **dict.fromkeys((*_STATE_METRICS, *_CLOUD_EXPORTERS), _ExporterFamily.OBJECTS),
    **dict.fromkeys(_HOST_EXPORTERS, _ExporterFamily.HOST),
    **dict.fromkeys(("kubelet", "cadvisor", "expose-kubelets-metrics"), _ExporterFamily.KUBELET),
    **dict.fromkeys(("blackbox", "pushgateway"), _ExporterFamily.TARGETS),
}
_NAME = re.compile(rf"-({'|'.join(_NAMES)})-")
_ON_HOST_NETWORK = frozenset({
    "node-exporter", "nodeexporter", "windows-exporter", "wmi-exporter", "expose-node-metrics", "kubelet",
    "expose-kubelets-metrics",
})  # fmt: skip
"""Exporters that use the address of their host even in a cluster. The pod of any other exporter has its own address."""

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 253
"""Maximum length of a name in Kubernetes."""

_EXPORTED = "exported_"
_PODS = ("pod", "pod_name", "podName", "kubernetes_pod_name")
_CONTAINERS = ("container", "container_name")
_SERVICES = ("service", "kubernetes_name")
_IN_CLUSTER = (*_PODS, *_CONTAINERS, "endpoint")
_DISCOVERY_LABELS = frozenset({*_IN_CLUSTER, *_SERVICES, "namespace", "node", "job", "instance"})
"""Labels that Prometheus' service discovery adds to every metric, in Kubernetes and elsewhere."""

_NAMING_LABELS = ("app_kubernetes_io_name", "k8s_app", "app", *_SERVICES, *_CONTAINERS, *_PODS)
_WORKLOADS = (
    "persistentvolumeclaim", "cronjob", "horizontalpodautoscaler", "hpa", "poddisruptionbudget", "resourcequota",
    "deployment", "statefulset", "daemonset", "replicaset",
)  # fmt: skip
_OBJECTS = (
    *_WORKLOADS, "job_name", "verticalpodautoscaler", "limitrange", "replicationcontroller", "workload", "ingress",
    "persistentvolume", "volumeattachment", "storageclass", "configmap", "secret", "certificatesigningrequest", "lease",
    "networkpolicy",
)  # fmt: skip
_CLUSTER_WIDE = frozenset({
    "node", "persistentvolume", "volumeattachment", "storageclass", "certificatesigningrequest",
})  # fmt: skip
"""Kubernetes objects that do not belong to a namespace."""

_CLOUD_IDS = (
    "instanceId", "instance_id", "dimension_InstanceId", "dimension_DBInstanceIdentifier", "dimension_LoadBalancer",
    "dbinstance_identifier", "load_balancer", "database_id",
)  # fmt: skip
_HOSTS = ("host", "hostname", "Hostname", "node", "nodeName", "nodename")
_FALLBACK_LABELS = ("service", "job", "namespace", "cluster")

# labels that name an alert's resource, the most specific label first
_OF_PODS = (*_PODS, "container_label_io_kubernetes_pod_name")
_OF_APPLICATION = (*_OF_PODS, *_WORKLOADS, "instance", *_HOSTS, *_OBJECTS, *_FALLBACK_LABELS)
_OF_HOST = ("instance", *_HOSTS, *_FALLBACK_LABELS)
_OF_KUBELET = (*_OF_PODS, *_OBJECTS, *_OF_HOST)
_OF_OTHERS = (
    *_OF_PODS, *_CLOUD_IDS, *_OBJECTS, "target", "server", "addr", "instance", *_HOSTS, "consumergroup", "topic",
    "queue", "name", "id",
)  # fmt: skip
_OF_EXPORTER_ITSELF = ("instance", *_PODS, "service", "job")

_ABOUT_ITSELF = re.compile(r"exporter|state.?metrics|target|scrape|instance.?(?:down|missing|absent)", re.IGNORECASE)
"""Matches the names of alerts about the exporter itself, for example that the exporter is down or cannot measure."""

_HOST_AND_PORT = re.compile(r"([^/]*):([0-9]{1,5})")
_KUBELET_PORTS = frozenset({10250, 10255})
_EXPORTER_PORTS = frozenset({*range(9100, 10_000), 9091, 5556}) - {9200, 9300}
"""Ports of exporters, including Pushgateway (9091) and JMX (5556).

9200 and 9300 are left out, because they are the ports of Elasticsearch itself.
"""

_REMOTE_EXPORTER_PORTS = frozenset({
    9101, 9104, 9106, 9113, 9114, 9115, 9116, 9117, 9121, 9150, 9187, 9216, 9290, 9308, 9374, 9419,
})  # fmt: skip
"""Ports of exporters that may run on a different host from the program that they measure.

The ports belong to the exporters for HAProxy, MySQL, CloudWatch, nginx, Elasticsearch, blackbox, SNMP, Apache, Redis,
Memcached, PostgreSQL, MongoDB, IPMI, Kafka, SmokePing and RabbitMQ.
"""

_SERVER_PORTS = frozenset({
    22, 25, 53, 80, 161, 389, 443, 623, 636, 1433, 1521, 2181, 3306, 5432, 5672, 6379, 9092, 9200, 9300, 11211, 15672,
    27017,
})  # fmt: skip
"""Ports of servers.

If the label `instance` contains one of these ports, the label was relabelled. The label then contains the address of
the measured server, and not of the exporter.
"""


class MetricLabels(NamedTuple):
    """The labels of a metric without the labels of its exporter."""

    labels: Mapping[str, str]
    """The labels, keyed by their original names: without the prefix `exported_` that Prometheus may have added."""
    resource: str | None
    """The name of the label that names the alert's resource, or None."""
    host: str | None
    """A string that may be the address and port of the resource, or None."""


def read_labels(labels: Mapping[str, str]) -> MetricLabels:
    """Return an alert's labels without the labels that describe the exporter."""
    exported = {name.removeprefix(_EXPORTED): value for name, value in labels.items() if name.startswith(_EXPORTED)}
    if _family_of(exported.get("job"))[1] is not None:  # the metric came from another Prometheus
        return read_labels({name: value for name, value in labels.items() if not name.startswith(_EXPORTED)} | exported)
    word, family = _find_exporter(labels)
    foreign: Collection[str]
    if family is not None:
        foreign = _foreign_labels(labels, exported, word, family)
    elif _DISCOVERY_LABELS.isdisjoint(exported):
        foreign = ()
    else:  # an exporter whose name is unknown
        family, foreign = _ExporterFamily.OBJECTS, _DISCOVERY_LABELS
    own = {
        name: value
        for name, value in labels.items()
        if name not in foreign and name not in exported and not name.startswith(_EXPORTED)
    }
    own |= exported
    match family:
        case None:
            return _application_labels(own)
        case _ExporterFamily.HOST | _ExporterFamily.KUBELET if "instance" not in exported:
            has_host_address = word in _ON_HOST_NETWORK or not any(map(labels.get, _IN_CLUSTER))
            return _host_labels(
                own, _OF_HOST if family is _ExporterFamily.HOST else _OF_KUBELET, has_host_address=has_host_address
            )
        case _:
            return _target_labels(labels, own, family, exported)


def _find_exporter(labels: Mapping[str, str]) -> tuple[str, _ExporterFamily | None]:
    """Return the word by which the exporter was recognised, such as `node-exporter`, and the exporter's family.

    If no exporter was recognised, the word is empty and the family is None. A label `job` that names an exporter takes
    precedence over all other labels. The reason is that kube-state-metrics and the kubelet also report on the pods of
    other exporters.
    """
    exporter = _family_of(labels.get("job"))
    if exporter[1] is None and (
        "cadvisor" in labels.get("metrics_path", "") or _host_and_port(labels)[1] in _KUBELET_PORTS
    ):
        exporter = "kubelet", _ExporterFamily.KUBELET
    # without one of these labels, the alert is about the pod or service that has the exporter's name
    if exporter[1] is None and ("instance" in labels or any(map(labels.get, _OBJECTS))):
        found = map(_family_of, (*map(labels.get, _NAMING_LABELS), _host_and_port(labels)[0]))
        exporter = next((one for one in found if one[1] is not None), exporter)
    return exporter


def _family_of(name: str | None) -> tuple[str, _ExporterFamily | None]:
    return _family_named(name[:_LONGEST_NAME]) if name else ("", None)


@functools.lru_cache(maxsize=256)
def _family_named(name: str) -> tuple[str, _ExporterFamily | None]:
    words = f"-{_SEPARATORS.sub('-', name.lower())}-"
    if match := _NAME.search(words):
        return match[1], _NAMES[match[1]]
    return ("exporter", _ExporterFamily.TARGETS) if "exporter-" in words else ("", None)


def _foreign_labels(
    labels: Mapping[str, str], exported: Mapping[str, str], word: str, family: _ExporterFamily
) -> Collection[str]:
    """Return the names of the labels that describe the exporter instead of what the exporter measures."""
    if family is _ExporterFamily.HOST:
        return {*_IN_CLUSTER, *_SERVICES, *_OBJECTS, "namespace"}
    exact = word in _STATE_METRICS or family is _ExporterFamily.KUBELET
    families = {family} if exact else {family, _ExporterFamily.TARGETS}
    names = {*_PODS, *_CONTAINERS, *_SERVICES}
    names.update({_ExporterFamily.OBJECTS: ("job",), _ExporterFamily.TARGETS: ("job", *_OBJECTS)}.get(family, ()))
    foreign = {name for name in names if _family_of(labels.get(name))[1] in families} | {"endpoint"}
    its_pod = any(name in foreign or name in exported for name in _PODS)
    others = (
        any(name in labels and name not in foreign for name in (*_PODS, *_OBJECTS, *_CLOUD_IDS)) or "pod" in exported
    )
    if its_pod:
        foreign.update(_CONTAINERS)
    if family is _ExporterFamily.KUBELET or others or any(labels.get(name) == labels.get("job") for name in _SERVICES):
        foreign.update(_SERVICES)
    match family:
        case _ExporterFamily.KUBELET:
            foreign.update(() if others else ("namespace",))
        case _ExporterFamily.OBJECTS:
            foreign.update(("instance", "node") if others else ("instance",))
        case _:
            foreign.update(("namespace",) if its_pod else ())
            # a `node` that contains "@" is a node of RabbitMQ, and not the host of the exporter's pod
            foreign.update(("node",) if its_pod and "@" not in labels.get("node", "") else ())
            pushed = "job" in exported and "instance" not in exported
            foreign.update(("instance",) if pushed or _is_exporter_instance(labels) else ())
    if not _DISCOVERY_LABELS.isdisjoint(exported):
        foreign.add("namespace")
    return foreign


def _is_exporter_instance(labels: Mapping[str, str]) -> bool:
    """Return whether `instance` is the address of the exporter, and not of the server that the exporter measures.

    Return True in these cases:

    - The host in `instance` has the name of an exporter.
    - The labels come from a cluster, and the port in `instance` is not a server's port. Kubernetes' service discovery
      has then set `instance` to the exporter's address, and no relabelling has replaced this address.
    """
    host, port = _host_and_port(labels)
    as_discovered = any(map(labels.get, _IN_CLUSTER)) and port is not None and port not in _SERVER_PORTS
    return as_discovered or _family_of(host)[1] is not None


def _application_labels(own: dict[str, str]) -> MetricLabels:
    _drop_foreign_pods(own, _WORKLOADS)
    resource = _first(own, _OF_APPLICATION)
    elsewhere = resource in {*_OBJECTS, "namespace", "cluster"}
    elsewhere = elsewhere or (resource == "instance" and _host_and_port(own)[1] in _REMOTE_EXPORTER_PORTS)
    where = _first(own, ("instance", "host", "ip"))
    return MetricLabels(own, resource, None if elsewhere or where is None else own[where])


def _host_labels(own: dict[str, str], names: Iterable[str], *, has_host_address: bool) -> MetricLabels:
    resource = _first(own, ("name", *names) if "image" in own and "pod" not in own else names)
    return MetricLabels(
        own, resource, own.get("instance") if has_host_address and resource in {"instance", *_HOSTS} else None
    )


def _target_labels(
    labels: Mapping[str, str], own: dict[str, str], family: _ExporterFamily, exported: Mapping[str, str]
) -> MetricLabels:
    _drop_foreign_pods(own, _OBJECTS)
    # an exporter with one of these ports may run on the server that it measures, or on another host
    ambiguous = "instance" not in exported and _host_and_port(own)[1] in _EXPORTER_PORTS
    resource = _first(own, (name for name in _OF_OTHERS if not (ambiguous and name == "instance")))
    if resource is None and _ABOUT_ITSELF.search(labels.get("alertname", "")):
        return MetricLabels(labels, _first(labels, _OF_EXPORTER_ITSELF), None)
    if resource is not None:
        dropped = {"instance"} if ambiguous else set()
        dropped.update({"namespace"} if resource in _CLUSTER_WIDE else ())
        return MetricLabels(
            {name: value for name, value in own.items() if name not in dropped}, resource, own[resource]
        )
    resource = _first(own, ("instance", *_FALLBACK_LABELS))
    if resource is None and family is _ExporterFamily.TARGETS and "job" in labels:  # the job is better than no name
        own["job"], resource = labels["job"], "job"
    return MetricLabels(own, resource, None)


def _drop_foreign_pods(own: dict[str, str], names: Iterable[str]) -> None:
    """Remove the labels of a pod and its container if the pod's name resembles no name of the alert's workloads.

    The pod then belongs to an unknown exporter. `names` are the names of the labels that name workloads.
    """
    workloads = [own[name] for name in names if name in own]
    for name in _PODS:
        pod = own.get(name)
        if pod and workloads and not any(_share_name(pod, workload) for workload in workloads):
            for dropped in (name, *_CONTAINERS):
                own.pop(dropped, None)


def _share_name(pod: str, workload: str) -> bool:
    return workload in pod or pod in workload or pod.partition("-")[0] == workload.partition("-")[0]


def _first(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((name for name in names if labels.get(name)), None)


def _host_and_port(labels: Mapping[str, str]) -> tuple[str | None, int | None]:
    """Return the host and the port in the label `instance`, or (None, None) if the label is not HOST:PORT."""
    match = _HOST_AND_PORT.fullmatch(labels.get("instance", "")[:_LONGEST_NAME])
    return (match[1], int(match[2])) if match else (None, None)
