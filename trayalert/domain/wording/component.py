"""Finds the components that an alert names, such as a disk, a listener or a process of the resource.

Components are read from the alert's dimensions. The dimensions for the account, the region and the resource itself are
left out. Values are shown as they were sent. The names of the dimensions in this module come from Cloud Monitor's
metric tables (2021).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.exporter import read_labels
from trayalert.domain.incident.resource import ACCOUNT_DIMENSIONS, value_or_none
from trayalert.domain.phrase import N_
from trayalert.domain.text import printable

_MOST_COMPONENTS = 4
"""Maximum number of components to show. An alert usually has one or two, but a sender may send thousands."""
_MOST_DIMENSIONS = 100
_LONGEST = 80

_WORDS = {
    # in the order in which the components are shown
    "device": N_("disk"), "diskname": N_("disk"), "mountpoint": N_("mount"), "processName": N_("process"),
    "gpuId": N_("GPU"), "state": N_("state"), "status": N_("state"), "Status": N_("state"),
    "interface": N_("interface"), "ip": N_("IP"), "vip": N_("VIP"), "domain": N_("domain"),
    "domain_name": N_("domain"), "host": N_("host"), "Host": N_("host"), "hostId": N_("host"),
    "hostname": N_("host"), "nodeId": N_("node"), "node": N_("node"), "nodeIP": N_("node"), "nodeHost": N_("node"),
    "role": N_("role"), "topic": N_("topic"), "consumerGroup": N_("consumer group"), "queue": N_("queue"),
    "queueName": N_("queue"), "exchangeName": N_("exchange"), "vhostName": N_("vhost"),
    "partition": N_("partition"), "db": N_("database"), "dbName": N_("database"), "database": N_("database"),
    "logstore": N_("logstore"), "apiStageName": N_("stage"), "serverGroupId": N_("server group"),
    "ruleId": N_("rule"), "serviceName": N_("service"), "functionName": N_("function"), "pod": N_("pod"),
    "podId": N_("pod"), "container": N_("container"),
}  # fmt: skip
_LOCATION_DIMENSIONS = frozenset({"region", "regionId", "regionNo", "regionName", "zoneId", "groupId"})
_DISK = re.compile(r"/|[A-Za-z]:|[svx]v?d[a-z]|nvme")
_PROTOCOLS, _PORTS = ("protocol", "listenerProtocol"), ("port", "listenerPort")

COMPONENT_DIMENSIONS = frozenset({*_WORDS, *_PORTS, *_PROTOCOLS}) - {"state", "status", "Status"}
"""Names of the dimensions that identify a component. Dimensions for a component's state are left out."""


class Component(NamedTuple):
    """A component of a resource.

    `word` says what the component is, such as "disk". `name` identifies the component, such as "/dev/vda1". If
    `translatable` is true, `word` is a word of the catalogue. If not, `word` is the name of the
    dimension.
    """

    word: str
    name: str
    translatable: bool


class ComponentWords(NamedTuple):
    """How components are read from the dimensions of one kind of callback. The defaults suit Cloud Monitor's metrics.

    `known` maps the name of each dimension that identifies a component to a word of the catalogue. The
    order of `known` is the order in which the components are shown.

    If `unknown` is true, other dimensions also count as components, and are shown under the names of the dimensions.
    Exceptions are the dimensions for the account, the location, the port and the protocol.

    If `prometheus` is true, the dimensions are Prometheus labels. The labels that describe an exporter are then left
    out, and no component is read from a port or a protocol.
    """

    known: Mapping[str, str] = _WORDS
    unknown: bool = False
    prometheus: bool = False


def components(alert: Alert, words: ComponentWords) -> tuple[Component, ...]:
    """Return the components that the alert's dimensions name, the most informative first."""
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
        word = N_("listener") if protocol else N_("port")
        yield Component(word, printable(f"{protocol}:{port}" if protocol else port, limit=_LONGEST), translatable=True)
    elif protocol:
        yield Component(N_("protocol"), printable(protocol, limit=_LONGEST), translatable=True)


def _known_dimensions(dimensions: Mapping[str, str], words: Mapping[str, str]) -> Iterator[Component]:
    for name, word in words.items():
        if name in dimensions:
            which = printable(dimensions[name], limit=_LONGEST)
            other = name == "device" and not _DISK.match(which)  # such as a network card
            yield Component(N_("device") if other else word, which, translatable=True)


def _unknown_dimensions(dimensions: Mapping[str, str], words: Mapping[str, str]) -> Iterator[Component]:
    """Yield a component for each dimension that has no word in `words`.

    A component under an unfamiliar name is better than a missing component.
    """
    known = {*words, *_LOCATION_DIMENSIONS, *_PORTS, *_PROTOCOLS, *ACCOUNT_DIMENSIONS}
    for name in sorted(dimensions.keys() - known)[:_MOST_COMPONENTS]:
        yield Component(printable(name, limit=40), printable(dimensions[name], limit=_LONGEST), translatable=False)
