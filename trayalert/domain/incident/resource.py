"""The namespace of a resource, and the dimension that names the resource.

Rules, callbacks, events and ARNs spell the same namespace differently. This module maps all spellings to the spelling
in callbacks.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_DASHBOARDS = ("ecs", "slb", "rds", "oss", "sls", "ess", "containerservice", "apigateway")
_CALLBACK_NAMESPACES = {
    # from the table on Cloud Monitor's callback page; rules and callbacks write all other namespaces in the same way
    **{f"acs_{name}_dashboard": f"acs_{name}" for name in _DASHBOARDS},
    "acs_redis_dashboard": "acs_kvstore",
    "acs_ocs_new": "acs_ocs",
    "acs_mns_new": "acs_mns",
}

ACCOUNT_DIMENSIONS = frozenset({"userId", "userld", "uid"})
"""Dimensions that name the account. `userld` is a misprint in Alibaba Cloud's documents about EIP."""

_INSTANCE = ("instanceId", "InstanceId", "instanceld", "instance_id")
_OF_INSTANCES = (
    "adb ads airec amqp anycast_eip baas bandwidth_package bds cdn ddos ddosdip drds dts ecs express_connect "
    "global_acceleration hbaseserverless hbaseue hdfs hitsdb hologres hybriddb ipv6_bandwidth kafka kvstore lindorm "
    "memcache mongodb nat_gateway newbgpddos ocs petadata physical_connection privatelink rds rocketmq scdn slb "
    "tair videolive vpc_eip vpn"
)
"""Namespaces, without their prefix `acs_`, in which the instance id names the resource."""
_ID_DIMENSIONS: dict[str, tuple[str, ...]] = {
    # from the dimensions in Cloud Monitor's metric tables (2021); the first dimension that is present names the
    # resource
    **{f"acs_{name}": _INSTANCE for name in _OF_INSTANCES.split()},
    "acs_alb": ("loadBalancerId",),
    "acs_apigateway": ("instanceId", "apiUid"),
    "acs_cds": ("clusterId",),
    "acs_cen": ("cenId",),
    "acs_containerservice": ("clusterId", "groupId", "podId"),
    "acs_dcdn": ("instanceId", "domain_name"),
    "acs_ddh": ("DedicatedHostId",),
    "acs_elasticsearch": ("clusterId", "instanceId"),
    "acs_emr": ("clusterId",),
    "acs_ess": ("scalingGroup", "instanceId"),
    "acs_fc": ("functionName", "serviceName"),
    "acs_hbase": ("clusterId",),
    "acs_hbr": ("vaultId",),
    "acs_hcs_sgw": ("gatewayId",),
    "acs_hdr": ("gatewayId", "serverId"),
    "acs_iot": ("instanceId", "productKey"),
    "acs_k8s": ("cluster", "clusterId"),
    "acs_kubernetes": ("groupId", "podId"),
    "acs_maxcompute_prepay": ("project",),
    "acs_mns": ("queue", "topic"),
    "acs_nas": ("fileSystemId",),
    "acs_networkmonitor": ("taskId",),
    "acs_nlb": ("instanceId", "loadBalancerId"),
    "acs_oceanbase": ("obClusterId",),
    "acs_opensearch": ("appName", "appId"),
    "acs_oss": ("BucketName",),
    "acs_polardb": ("clusterId", "instanceId"),
    "acs_rds_sar": ("hostId", "hostGroupId"),
    "acs_serverless": ("appId",),
    "acs_sls": ("project",),
    "acs_smartag": ("instanceId", "instance_id"),
    "waf": ("instanceId", "domain"),
}


def normalise_namespace(text: str | None) -> str | None:
    """Return a namespace in the spelling of callbacks: `acs_ecs` for `acs_ecs_dashboard` and `ecs_dashboard`."""
    if text is None:
        return None
    return _CALLBACK_NAMESPACES.get(text) or _CALLBACK_NAMESPACES.get(f"acs_{text}") or text


_SERVICES = {
    # services whose name in events, ARNs and entity types differs from their name in the namespace
    "ack": "k8s", "alikafka": "kafka", "apigw": "apigateway", "apsaradbforredis": "kvstore", "clb": "slb", "cs": "k8s",
    "dds": "mongodb", "eip": "vpc_eip", "gpdb": "hybriddb", "log": "sls", "nat": "nat_gateway", "ons": "rocketmq",
    "redis": "kvstore", "rkvstore": "kvstore",
}  # fmt: skip
_TYPES = {
    # keyed by service and resource type, for services that have several namespaces
    ("vpc", "eip"): "vpc_eip", ("vpc", "eipaddress"): "vpc_eip", ("vpc", "natgateway"): "nat_gateway",
    ("vpc", "vpngateway"): "vpn", ("vpc", "commonbandwidthpackage"): "bandwidth_package",
}  # fmt: skip
_PREFIXES = {
    "alb": "acs_alb", "dds": "acs_mongodb", "eip": "acs_vpc_eip", "i": "acs_ecs", "lb": "acs_slb",
    "ngw": "acs_nat_gateway", "nlb": "acs_nlb", "pc": "acs_polardb", "r": "acs_kvstore", "rm": "acs_rds",
}  # fmt: skip
_NON_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")
_ARN_PARTS = 5


class Arn(NamedTuple):
    """An ARN: Alibaba Cloud's name for a resource, `acs:SERVICE:REGION:ACCOUNT:TYPE/ID`.

    A part that is not set is None.
    """

    service: str | None
    region: str | None
    account_id: str | None
    type: str | None
    id: str | None


def read_arn(text: str | None) -> Arn:
    """Parse the ARN of a resource. A text that is not an ARN is taken as the id of the resource."""
    parts = (text or "").split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "acs":
        return Arn(None, None, None, None, text)
    kind, _, rest = parts[4].strip("/").partition("/")
    service, region, account = (part if part not in {"", "*", "null"} else None for part in parts[1:4])
    region = region.removeprefix("oss-") if region else None
    return Arn(service, region, account, kind or None if rest else None, (rest.split("/")[0] if rest else kind) or None)


def service_namespace(service: str | None, type_: str | None = None) -> str | None:
    """Return the namespace that callbacks use for a service: `acs_ecs` for `ECS`, `acs_kvstore` for `redis`.

    If a service has several namespaces, the resource type `type_` decides which namespace is returned.
    """
    if service is None:
        return None
    name = _NON_ALPHANUMERIC.sub("", service.lower())
    kind = _NON_ALPHANUMERIC.sub("", (type_ or "").lower())
    return f"acs_{_TYPES.get((name, kind)) or _SERVICES.get(name) or name}" if name else None


def namespace_of_id(resource_id: str | None) -> str | None:
    """Return the namespace for the prefix of an instance id, or None if the prefix is unknown.

    For example, the prefix `i-` stands for ECS.
    """
    stem, dash, rest = (resource_id or "").partition("-")
    return _PREFIXES.get(stem) if dash and rest else None


def default_id_dimension(namespace: str | None) -> str:
    """Return the name of the dimension that usually contains the id of a resource in the namespace.

    If an alert contains an id but no dimensions, the id is stored under this name.
    """
    return _ID_DIMENSIONS.get(namespace or "", ("instanceId",))[0]


def value_or_none(value: str | None) -> str | None:
    """Return the value of a dimension, or None if it is empty or `null`. Java prints a missing value as `null`."""
    return None if not value or value == "null" else value


def id_dimension(namespace: str | None, dimensions: Mapping[str, str]) -> str | None:
    """Return the name of the dimension that names the resource.

    If the dimensions that usually name a resource of the namespace are missing, return the alphabetically first
    dimension that has a value and does not name the account. Return None if there is no such dimension.
    """
    for name in _ID_DIMENSIONS.get(namespace or "", ()):
        if value_or_none(dimensions.get(name)):
            return name
    rest = sorted(name for name, value in dimensions.items() if value_or_none(value) and name not in ACCOUNT_DIMENSIONS)
    return rest[0] if rest else None
