from dataclasses import replace

import pytest

from tests.domain.incident.incident_log import fires
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import component_text, short_component_text

EN, ZH = Language.EN, Language.ZH


def alert_on(resource: str, kind: str = "threshold", **dimensions: str) -> Alert:
    return replace(fires(0), kind=Kind(kind), resource_id=resource, region="cn-hangzhou", dimensions=dimensions)


@pytest.mark.parametrize(
    ("alert", "english", "chinese", "short"),
    [
        (
            alert_on("i-1", userId="1", device="/dev/vda1", instanceId="i-1"),
            "disk /dev/vda1",
            "磁盘 /dev/vda1",
            "/dev/vda1",
        ),
        (alert_on("i-1", instanceId="i-1", device="eth0"), "device eth0", "设备 eth0", "eth0"),
        (alert_on("i-1", instanceId="i-1", mountpoint="/data"), "mount /data", "挂载点 /data", "/data"),
        (alert_on("i-1", instanceId="i-1", diskname="C:", device="C:"), "disk C:", "磁盘 C:", "C:"),
        (
            alert_on("lb-1", port="10080", protocol="tcp", userId="1", instanceId="lb-1"),
            "listener tcp:10080",
            "监听 tcp:10080",
            "tcp:10080",
        ),
        (
            alert_on("alb-1", listenerPort="443", listenerProtocol="HTTPS", loadBalancerId="alb-1"),
            "listener HTTPS:443",
            "监听 HTTPS:443",
            "HTTPS:443",
        ),
        (
            alert_on("lb-1", port="80", vip="10.0.0.9", instanceId="lb-1"),
            "port 80, VIP 10.0.0.9",
            "端口 80，VIP 10.0.0.9",
            "80 10.0.0.9",
        ),
        (alert_on("i-1", processName="nginx", instanceId="i-1"), "process nginx", "进程 nginx", "nginx"),
        (alert_on("i-1", gpuId="2", instanceId="i-1", state="null"), "GPU 2", "GPU 2", "2"),
        (
            alert_on("a", apiStageName="RELEASE", apiUid="a", region="cn-shenzhen", userId="1"),
            "stage RELEASE",
            "环境 RELEASE",
            "RELEASE",
        ),
        (alert_on("ob", obClusterId="ob", obTenantId="t-3"), "obTenantId t-3", "obTenantId t-3", "t-3"),
        (alert_on("c", obClusterId="c", regionId="cn-x", groupId="7", uid="1"), "", "", ""),
        (alert_on("i-1", "event", instanceId="i-1", anything="x"), "", "", ""),
        (alert_on("i-1", "of another version", port="80", anything="x"), "port 80", "端口 80", "80"),
        (
            alert_on(
                "api",
                "alertmanager",
                alertname="Full",
                severity="critical",
                instance="10.0.0.1:9100",
                pod="api-7c",
                mountpoint="/",
                team="a",
            ),
            "mount /, pod api-7c, instance 10.0.0.1:9100",
            "挂载点 /，Pod api-7c，实例 10.0.0.1:9100",
            "/ api-7c",
        ),
        (
            alert_on("prod", "alertmanager", namespace="shop", pod_name="web-7d4b", job="node"),
            "pod web-7d4b, namespace shop",
            "Pod web-7d4b，命名空间 shop",
            "web-7d4b",
        ),
        (alert_on("10.0.0.1:9100", "alertmanager", job="node"), "", "", ""),
    ],
)
def test_the_part_that_burns_is_named(alert: Alert, english: str, chinese: str, short: str) -> None:
    assert component_text(alert, EN) == english
    assert component_text(alert, ZH) == chinese
    assert short_component_text(alert) == short


def test_a_strangers_dimensions_stay_short_and_clean() -> None:
    many = alert_on("i-1", device="/dev/\u202evda", **{f"d{number}": "x" * 9000 for number in range(3000)})

    assert short_component_text(many).startswith("/dev/vda ")
    assert len(component_text(many, EN)) < 500
