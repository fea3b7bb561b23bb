"""Links to the console: the right page on both sites, else the chart, and never an address that an attacker chose."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.incident.best_link import best_link
from trayalert.domain.incident.alert import Alert, Identity, Kind, State
from trayalert.domain.incident.console_link import ANY_NAMESPACE, LinkTable, LinkTemplate, Site, is_allowed
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.settings import Settings
from trayalert.services.presentation.link_table import link_table

HOSTS = (".console.aliyun.com", ".console.alibabacloud.com")


def alert(namespace: str | None, region: str | None = None, dimensions: Mapping[str, str] | None = None) -> Alert:
    return Alert(
        kind=Kind("threshold"),
        identity=Identity(text="", timed=True),
        key="k",
        subject="k",
        state=State.ALERT,
        level=Level.WARN,
        namespace=namespace,
        region=region,
        dimensions=dimensions or {},
    )


def table(site: Site = Site.CHINA, default_region: str | None = None) -> LinkTable:
    return link_table(Settings(site=site, default_region=default_region))


# for each service: namespace, dimensions, and its pages in China and on the international site, as documented
PAGES = {
    "ECS": (
        "acs_ecs", {"instanceId": "i-bp1", "device": "/dev/vda1"},
        "https://ecs.console.aliyun.com/server/i-bp1/detail?regionId=cn-hangzhou",
        "https://ecs.console.alibabacloud.com/server/i-bp1/detail?regionId=cn-hangzhou",
    ),
    "RDS": (
        "acs_rds", {"instanceId": "rm-1"},
        "https://rdsnext.console.aliyun.com/detail/rm-1/basicInfo?region=cn-hangzhou",
        "https://rds.console.alibabacloud.com/detail/rm-1/basicInfo?region=cn-hangzhou",
    ),
    "CLB": (
        "acs_slb", {"port": "80", "instanceId": "lb-1", "protocol": "tcp"},
        "https://slb.console.aliyun.com/slb/cn-hangzhou/slbs/lb-1",
        "https://slb.console.alibabacloud.com/slb/cn-hangzhou/slbs/lb-1",
    ),
    "Redis": (
        "acs_kvstore", {"instanceId": "r-1"},
        "https://kvstore.console.aliyun.com/Redis/instance/cn-hangzhou/r-1",
        "https://kvstore.console.alibabacloud.com/Redis/instance/cn-hangzhou/r-1",
    ),
    "MongoDB": (
        "acs_mongodb", {"instanceId": "dds-1", "role": "Primary"},
        "https://mongodb.console.aliyun.com/replicate/cn-hangzhou/instances/dds-1/basicInfo",
        "https://mongodb.console.alibabacloud.com/replicate/cn-hangzhou/instances/dds-1/basicInfo",
    ),
    "PolarDB": (
        "acs_polardb", {"clusterId": "pc-1", "nodeId": "pi-1"},
        "https://polardb.console.aliyun.com/cn-hangzhou/cluster/pc-1/baseInfo",
        "https://polardb.console.alibabacloud.com/cn-hangzhou/cluster/pc-1/baseInfo",
    ),
    "OSS": (
        "acs_oss", {"BucketName": "shop.pictures"},
        "https://oss.console.aliyun.com/bucket/oss-cn-hangzhou/shop.pictures/overview",
        "https://oss.console.alibabacloud.com/bucket/oss-cn-hangzhou/shop.pictures/overview",
    ),
}  # fmt: skip


@pytest.mark.parametrize("service", PAGES)
def test_each_service_has_its_page_on_both_sites(service: str) -> None:
    namespace, dimensions, china, international = PAGES[service]
    one = alert(namespace, "cn-hangzhou", dimensions | {"userId": "1900000000000010"})

    assert best_link(one, table(Site.CHINA)) == china
    assert best_link(one, table(Site.INTERNATIONAL)) == international


@pytest.mark.parametrize("service", sorted(PAGES.keys() - {"RDS"}))
@pytest.mark.parametrize("site", Site)
def test_without_a_region_the_chart_is_linked(service: str, site: Site) -> None:
    namespace, dimensions, *_ = PAGES[service]
    link = best_link(alert(namespace, None, dimensions), table(site))

    assert link is not None
    assert urlsplit(link).path == "/productMonitorChart"
    assert link.endswith("&region=all")


def test_the_page_of_rds_needs_no_region() -> None:
    one = alert("acs_rds", None, {"instanceId": "rm-1"})

    assert best_link(one, table(Site.CHINA)) == "https://rdsnext.console.aliyun.com/detail/rm-1/basicInfo"
    assert best_link(one, table(Site.INTERNATIONAL)) == "https://rds.console.alibabacloud.com/detail/rm-1/basicInfo"


@pytest.mark.parametrize(
    ("namespace", "dimensions", "link"),
    [
        (
            "acs_alb",
            {"loadBalancerId": "alb-1", "listenerPort": "80"},
            "alb&dimension=loadBalancerId%3Aalb-1&region=all",
        ),
        ("acs_vpc_eip", {"instanceId": "eip-1", "userId": "1"}, "eip&dimension=instanceId%3Aeip-1&region=all"),
        ("acs_networkmonitor", {"taskId": "t-1"}, "networkmonitor&dimension=taskId%3At-1&region=all"),
        ("acs_polardb", {"instanceId": "pc-1"}, "polardb_pg&dimension=instanceId%3Apc-1&region=all"),
        ("waf", {"domain": "a.example.com"}, "waf&dimension=domain%3Aa.example.com&region=all"),
        ("acs_new", {"b": "2", "a": "1"}, "new&dimension=a%3A1&region=all"),
        ("acs_ecs", {"instanceId": "i-12****"}, "ecs&dimension=instanceId%3Ai-12%2A%2A%2A%2A&region=all"),
    ],
)
def test_all_others_have_the_chart_of_their_category(namespace: str, dimensions: dict[str, str], link: str) -> None:
    one = alert(namespace, None, dimensions)
    start = "https://cloudmonitor.console.{}/productMonitorChart?category="

    assert best_link(one, table(Site.CHINA)) == start.format("aliyun.com") + link
    assert best_link(one, table(Site.INTERNATIONAL)) == start.format("alibabacloud.com") + link


@pytest.mark.parametrize(
    "one",
    [
        alert(None, "cn-hangzhou", {"instanceId": "i-1"}),
        alert("acs_ecs", "cn-hangzhou"),
        alert("acs_ecs", "cn-hangzhou", {"userId": "1"}),
        alert("acs_ecs", "cn-hangzhou", {"instanceId": ""}),
        alert("acs_ecs", "cn-hangzhou", {"instanceId": "null"}),
        alert("acs_new", "cn-hangzhou", {"instanceId": "i" * 60_000}),
        alert("acs_" + "n" * 60_000, "cn-hangzhou", {"instanceId": "i-1"}),
    ],
)
def test_what_names_no_resource_has_no_link(one: Alert) -> None:
    assert best_link(one, table(default_region="cn-hangzhou")) is None


@pytest.mark.parametrize(
    ("region", "dimensions", "default", "expected"),
    [
        ("cn-a", {"region": "cn-b", "regionId": "cn-c"}, "cn-d", "cn-a"),
        (None, {"region": "cn-b", "regionId": "cn-c"}, "cn-d", "cn-b"),
        (None, {"regionId": "cn-c"}, "cn-d", "cn-c"),
        (None, {}, "cn-d", "cn-d"),
        ("null", {"region": "null"}, "cn-d", "cn-d"),
        ("China (Hangzhou)", {"region": "../"}, "cn-d", "cn-d"),
        ("../cn-a", {"region": "cn-b"}, None, "cn-b"),
        ("cn-" + "a" * 60_000, {"region": "cn-b"}, None, "cn-b"),
    ],
)
def test_the_region_is_the_first_that_is_one(
    region: str | None, dimensions: dict[str, str], default: str | None, expected: str
) -> None:
    link = best_link(alert("acs_ecs", region, {"instanceId": "i-1"} | dimensions), table(default_region=default))

    assert link == f"https://ecs.console.aliyun.com/server/i-1/detail?regionId={expected}"


HOSTILE = [
    "../", "..", "a..b", "../../etc", "%2e%2e", "%2e", "i-1/../..", "i-1%2f..", "i-1\n", "i-1\r\nX: y",
    "i-1\x00", "i-1\x7f",
    "i-1@evil.example", "@evil.example", "//evil.example", "\\\\evil.example", "i-1?x=1", "i-1#x",
    "i-1&region=x", "{region}",
    "{id}", ".", "-i", "i 1", "店", "i-１", "i-1\u202e", "i-1\u200b", "i" * 257, "javascript:alert(1)",
    "i-1;x", "i-1'\"<>",
]  # fmt: skip


@pytest.mark.parametrize("number", HOSTILE)
@pytest.mark.parametrize("service", PAGES)
def test_no_hostile_id_enters_a_path(service: str, number: str) -> None:
    namespace, dimensions, *_ = PAGES[service]
    name = table().templates[namespace][0].dimensions[0]
    link = best_link(alert(namespace, "cn-hangzhou", dimensions | {name: number}), table())

    assert link is not None
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc) == ("https", "cloudmonitor.console.aliyun.com")
    assert parts.path == "/productMonitorChart"
    assert parse_qs(parts.query)["dimension"] == [f"{name}:{number}"]
    assert parse_qs(parts.query)["region"] == ["cn-hangzhou"]
    assert is_allowed(link)


def test_a_host_that_is_not_the_consoles_is_never_linked_though_a_table_says_so() -> None:
    for url in ("https://evil.example/{id}", "http://ecs.console.aliyun.com/{id}", "https://{id}.console.aliyun.com/"):
        page = LinkTemplate(dimensions=("instanceId",), url=url, grade="A")
        chart = LinkTemplate(page="chart", url="https://evil.example/{id}", grade="A")
        forged = LinkTable(templates={"acs_ecs": (page,), ANY_NAMESPACE: (chart,)}, categories={})
        for number in ("i-1", "evil.example:80", "..", "evil.example%2f"):
            link = best_link(alert("acs_ecs", None, {"instanceId": number}), forged)
            assert link is None or urlsplit(link).netloc.endswith(HOSTS)


texts = (
    st.text(max_size=40) | st.sampled_from(HOSTILE) | st.text(st.sampled_from("./%2eE\\@:?#&{}-ai1\x00\n"), max_size=12)
)


@given(
    namespace=st.sampled_from([*(page[0] for page in PAGES.values()), "acs_alb", "waf"]) | texts,
    region=st.none() | texts,
    dimensions=st.dictionaries(
        st.sampled_from(["instanceId", "clusterId", "BucketName", "region", "regionId", "userId"]) | texts,
        texts | st.characters(categories=["Cs"]),
    ),
    site=st.sampled_from(Site),
)
def test_whatever_an_alert_says_its_link_is_allowed_and_leads_where_the_table_says(
    namespace: str, region: str | None, dimensions: dict[str, str], site: Site
) -> None:
    pages = table(site, "cn-hangzhou")
    link = best_link(alert(namespace, region, dimensions), pages)

    if link is None:
        return
    assert is_allowed(link)
    parts = urlsplit(link)
    assert parts.netloc in {urlsplit(url).netloc for url in urls_of(pages)}
    assert ".." not in parts.path
    assert parts.fragment == ""
    assert len(parts.path.split("/")) in {
        len(urlsplit(url).path.split("/")) for url in urls_of(pages) if urlsplit(url).netloc == parts.netloc
    }


def urls_of(pages: LinkTable) -> list[str]:
    return [template.url for templates in pages.templates.values() for template in templates]


def test_every_page_of_the_table_is_allowed_and_names_what_it_is_filled_with() -> None:
    for site in Site:
        pages = table(site)
        assert {page[0] for page in PAGES.values()} <= pages.templates.keys()
        for templates in pages.templates.values():
            for template in templates:
                assert is_allowed(template.url.replace("{", "").replace("}", ""))
                assert "{id}" in template.url or template.page == "rules"


GOOD = "https://ecs.console.aliyun.com/server/i-1/detail?regionId=cn-hangzhou"
BAD = [
    "", "x", "ecs.console.aliyun.com", "//ecs.console.aliyun.com/", "http://ecs.console.aliyun.com/",
    "ftp://ecs.console.aliyun.com",
    "javascript:alert(1)", "javascript://ecs.console.aliyun.com/%0aalert(1)", "data:text/html,x",
    "file:///etc/passwd",
    "https://", "https:///", "https:ecs.console.aliyun.com", "https:/ecs.console.aliyun.com/", "https://aliyun.com/",
    "https://console.aliyun.com.evil.example/", "https://evil.example/.console.aliyun.com",
    "https://evilconsole.aliyun.com/",
    "https://evil.example#.console.aliyun.com", "https://evil.example?.console.aliyun.com",
    "https://.console.aliyun.com/",
    "https://evil.example\\.console.aliyun.com/", "https://evil.example;.console.aliyun.com/",
    "https://a@ecs.console.aliyun.com/", "https://a:b@ecs.console.aliyun.com/",
    "https://ecs.console.aliyun.com@evil.example/",
    "https://@ecs.console.aliyun.com/", "https://ecs.console.aliyun.com:443/", "https://ecs.console.aliyun.com:/",
    "https://ecs.console.aliyun.com:x/", "https://ecs.console.aliyun.com:99999/", "https://ecs.console.aliyun.com./",
    "https://ecs..console.aliyun.com/", "https://ecs.console.aliyun.com\\@evil.example/",
    "https:\\\\ecs.console.aliyun.com/",
    "https://[::1].console.aliyun.com/", "https://[::1]/", "https://ecs.console.aliyun.com%2eevil.example/",
    "https://evil.example%2f.console.aliyun.com/", "https://ECS.console.aliyun.com/",
    "https://ecs.console.aliyun.com /",
    " https://ecs.console.aliyun.com/", "https://ecs.console.aliyun.com/ x", "https://ecs.console.aliyun.com/\t",
    "https://ecs.console.aliyun.com/\n", "https://ecs.con\nsole.aliyun.com/", "https://ecs.console.aliyun.com/\x00",
    "https://ecs.console.aliyun.com/\x7f", "https://ecs。console.aliyun.com/", "https://еcs.console.aliyun.com/",
    "https://ecs.console.aliyun.com/店", "https://ecs.console.ａliyun.com/", "https://ecs.console.aliyun.com/\u202e",
    "https://ecs.console.alibabacloud.com.cn/", GOOD + "x" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize(
    "url", [GOOD, GOOD + "#x", "https://cms-intl.console.aliyun.com/", "HTTPS://a.console.aliyun.com"]
)
def test_console_pages_are_allowed(url: str) -> None:
    assert is_allowed(url)


@pytest.mark.parametrize("url", BAD)
def test_nothing_else_is_allowed(url: str) -> None:
    assert not is_allowed(url)


def pieces() -> Iterator[Any]:
    yield st.sampled_from(["https", "http", "HTTPS", "javascript", "", "https "])
    yield st.sampled_from(["://", ":", ":/", ":\\\\", ":///", "//"])
    yield st.sampled_from(
        ["", "", "@", "a@", "a:b@", "ecs.console.aliyun.com@", "evil.example/", "evil.example\\", "x#", "x?"]
    )
    yield st.sampled_from(["ecs", "", "a.b", "店", "ｅcs", "-", "evil.example;", "%65"])
    yield st.sampled_from(
        [".console.aliyun.com", ".console.alibabacloud.com", ".evil.example", ".aliyun.com", ".console。aliyun.com"]
    )
    yield st.sampled_from(["", "", ".", ":443", ":", ":x", ".evil.example", "\\", "\t", "\u200b"])
    yield st.sampled_from(["", "/", "/a", "?b", "#c", "/\n", "/ ", "/\u202e"])


@given(
    parts=st.tuples(*pieces())
    | st.lists(st.text(max_size=6) | st.sampled_from(["https://", "/", "@", ":"]), max_size=6)
)
@example(parts=("https", "://", "", "ecs", ".console.aliyun.com", "", "/"))
def test_what_is_allowed_is_plain_https_to_a_console_host(parts: tuple[str, ...] | list[str]) -> None:
    url = "".join(parts)
    if not is_allowed(url):
        return
    # checked without urllib, which `is_allowed` uses
    assert url.isascii()
    assert url.isprintable()
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    assert scheme.lower() == "https"
    assert host.endswith(HOSTS)
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert all(host.split("."))
