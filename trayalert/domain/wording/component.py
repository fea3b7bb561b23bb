"""The part of a resource that burns: a disk, a listener, a process. Read out of the dimensions; values are as sent.

Account, region and what names the resource itself are no parts. Names come from Cloud Monitor's metric tables (2021).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.incident.exporter import read_labels
from trayalert.domain.incident.resource import ACCOUNT_DIMENSIONS, value_or_none
from trayalert.domain.text import printable
from trayalert.domain.wording.language import Language

_THRESHOLD, _ALERTMANAGER = Kind("threshold"), Kind("alertmanager")
_MOST_COMPONENTS = 4
"""A part is told by one or two dimensions; a stranger may send thousands."""
_MOST_DIMENSIONS = 100
_LONGEST = 80

_WORDS = {
    # in the order in which they are shown
    "device": "disk", "diskname": "disk", "mountpoint": "mount", "processName": "process", "gpuId": "GPU",
    "state": "state", "status": "state", "Status": "state", "interface": "interface", "ip": "IP", "vip": "VIP",
    "domain": "domain", "domain_name": "domain", "host": "host", "Host": "host", "hostId": "host", "hostname": "host",
    "nodeId": "node", "node": "node", "nodeIP": "node", "nodeHost": "node", "role": "role", "topic": "topic",
    "consumerGroup": "consumer group", "queue": "queue", "queueName": "queue", "exchangeName": "exchange",
    "vhostName": "vhost", "partition": "partition", "db": "database", "dbName": "database", "database": "database",
    "logstore": "logstore", "apiStageName": "stage", "serverGroupId": "server group", "ruleId": "rule",
    "serviceName": "service", "functionName": "function", "pod": "pod", "podId": "pod", "container": "container",
}  # fmt: skip
_LABELS = {
    # of Prometheus' many labels those that tell where it burns
    "mountpoint": "mount", "device": "disk", "pod": "pod", "pod_name": "pod", "container": "container",
    "container_name": "container", "deployment": "deployment", "statefulset": "stateful set",
    "daemonset": "daemon set", "persistentvolumeclaim": "volume claim", "service": "service", "node": "node",
    "instance": "instance", "topic": "topic", "consumergroup": "consumer group", "queue": "queue",
    "groupname": "process", "namespace": "namespace",
}  # fmt: skip
_CONTEXT_WORDS = frozenset({"namespace"})
"""What only says where about: no room for it where it is short."""
_LOCATION_DIMENSIONS = frozenset({"region", "regionId", "regionNo", "regionName", "zoneId", "groupId"})
_DISK = re.compile(r"/|[A-Za-z]:|[svx]v?d[a-z]|nvme")
_PROTOCOLS, _PORTS = ("protocol", "listenerProtocol"), ("port", "listenerPort")

COMPONENT_DIMENSIONS = frozenset({*_WORDS, *_PORTS, *_PROTOCOLS}) - {"state", "status", "Status"}
"""Names of dimensions that tell one part from another, whatever state it is in."""


class Component(NamedTuple):
    """What it is, as a word of `domain/wording/language.py` or the dimension's own name, and which one."""

    word: str
    name: str
    translatable: bool


def components(alert: Alert) -> tuple[Component, ...]:
    """Return the parts that the alert's dimensions name, what tells most first."""
    itself = {alert.resource_id, alert.resource_name, alert.region, alert.address}
    first: Mapping[str, str] = dict(islice(alert.dimensions.items(), _MOST_DIMENSIONS))
    if alert.kind == _ALERTMANAGER:
        first = read_labels(first).labels
    dimensions = {name: value for name, value in first.items() if name and value_or_none(value) and value not in itself}
    if alert.kind == _ALERTMANAGER:
        found = list(_known_dimensions(dimensions, _LABELS))
    else:
        found = [*_listener(dimensions), *_known_dimensions(dimensions, _WORDS)]
        if alert.kind == _THRESHOLD:
            found += _unknown_dimensions(dimensions)
    return tuple(dict.fromkeys(found[: _MOST_COMPONENTS * 2]))[:_MOST_COMPONENTS]


def component_text(alert: Alert, language: Language) -> str:
    """Write the parts: `disk /dev/vda1`, `listener tcp:10080`; empty where there is none."""
    return language.say(", ").join(
        f"{language.say(component.word) if component.translatable else component.word} {component.name}"
        for component in components(alert)
    )


def short_component_text(alert: Alert) -> str:
    """Write only which one it is: `/dev/vda1`; empty where there is none."""
    return " ".join(
        component.name
        for component in [component for component in components(alert) if component.word not in _CONTEXT_WORDS][:2]
    )


def _listener(dimensions: Mapping[str, str]) -> Iterator[Component]:
    port, protocol = (next(filter(None, map(dimensions.get, names)), "") for names in (_PORTS, _PROTOCOLS))
    if port:
        word = "listener" if protocol else "port"
        yield Component(word, printable(f"{protocol}:{port}" if protocol else port, limit=_LONGEST), translatable=True)
    elif protocol:
        yield Component("protocol", printable(protocol, limit=_LONGEST), translatable=True)


def _known_dimensions(dimensions: Mapping[str, str], words: Mapping[str, str]) -> Iterator[Component]:
    for name, word in words.items():
        if name in dimensions:
            which = printable(dimensions[name], limit=_LONGEST)
            other = name == "device" and not _DISK.match(which)  # such as a network card
            yield Component("device" if other else word, which, translatable=True)


def _unknown_dimensions(dimensions: Mapping[str, str]) -> Iterator[Component]:
    """Return dimensions that no word is known for: better a strange name than a resource that is told half."""
    known = {*_WORDS, *_LOCATION_DIMENSIONS, *_PORTS, *_PROTOCOLS, *ACCOUNT_DIMENSIONS}
    for name in sorted(dimensions.keys() - known)[:_MOST_COMPONENTS]:
        yield Component(printable(name, limit=40), printable(dimensions[name], limit=_LONGEST), translatable=False)
