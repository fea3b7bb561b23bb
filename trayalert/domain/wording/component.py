"""The components of a resource that an alert names: a disk, a listener, a process. Values are as sent.

They are read from the dimensions, without account, region and the resource itself. The names of dimensions are from
Cloud Monitor's metric tables (2021).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.exporter import read_labels
from trayalert.domain.incident.resource import ACCOUNT_DIMENSIONS, value_or_none
from trayalert.domain.text import printable

_MOST_COMPONENTS = 4
"""An alert has one or two; a stranger may send thousands."""
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
_LOCATION_DIMENSIONS = frozenset({"region", "regionId", "regionNo", "regionName", "zoneId", "groupId"})
_DISK = re.compile(r"/|[A-Za-z]:|[svx]v?d[a-z]|nvme")
_PROTOCOLS, _PORTS = ("protocol", "listenerProtocol"), ("port", "listenerPort")

COMPONENT_DIMENSIONS = frozenset({*_WORDS, *_PORTS, *_PROTOCOLS}) - {"state", "status", "Status"}
"""Names of dimensions that identify a component, whatever its state."""


class Component(NamedTuple):
    """A `word` of `domain/wording/language.py`, or the dimension's own (not `translatable`), and which one it is."""

    word: str
    name: str
    translatable: bool


class ComponentWords(NamedTuple):
    """How the dimensions of a kind of callback name components; by default as those of Cloud Monitor's metrics do.

    `known` has a word of `domain/wording/language.py` for each dimension, in the order in which they are shown.
    `unknown`: any other dimension is a component, too, under its own name. `prometheus`: the dimensions are labels of
    Prometheus, of which those of an exporter name no component, and a port no listener.
    """

    known: Mapping[str, str] = _WORDS
    unknown: bool = False
    prometheus: bool = False


def components(alert: Alert, words: ComponentWords) -> tuple[Component, ...]:
    """Return the components that the alert's dimensions name, the most telling first."""
    itself = {alert.resource_id, alert.resource_name, alert.region, alert.address}
    first: Mapping[str, str] = dict(islice(alert.dimensions.items(), _MOST_DIMENSIONS))
    if words.prometheus:
        first = read_labels(first).labels
    dimensions = {name: value for name, value in first.items() if name and value_or_none(value) and value not in itself}
    found = [] if words.prometheus else list(_listener(dimensions))
    found += _known_dimensions(dimensions, words.known)
    if words.unknown:
        found += _unknown_dimensions(dimensions, words.known)
    return tuple(dict.fromkeys(found[: _MOST_COMPONENTS * 2]))[:_MOST_COMPONENTS]


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


def _unknown_dimensions(dimensions: Mapping[str, str], words: Mapping[str, str]) -> Iterator[Component]:
    """Yield dimensions without a word of ours: a strange name is better than an incomplete resource."""
    known = {*words, *_LOCATION_DIMENSIONS, *_PORTS, *_PROTOCOLS, *ACCOUNT_DIMENSIONS}
    for name in sorted(dimensions.keys() - known)[:_MOST_COMPONENTS]:
        yield Component(printable(name, limit=40), printable(dimensions[name], limit=_LONGEST), translatable=False)
