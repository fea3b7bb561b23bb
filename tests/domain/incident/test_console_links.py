"""All links of an alert: each row of the table of pages on both sites, their order, and links from the sender."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.incident.test_console_link import BAD, HOSTILE, alert, table, texts
from tests.soak.harness.judges import leads_to_console, link_is_safe
from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.console_link import ConsoleLink, Site, console_links, is_allowed
from trayalert.domain.settings.settings import Settings
from trayalert.services.presentation.link_table import link_table

TABLE = Path(__file__).parents[2] / "data" / "console_links.tsv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines(), delimiter="\t"))


def sender_links(namespace: str | None = None, **links: str) -> tuple[ConsoleLink, ...]:
    one = alert(namespace, "cn-hangzhou", {"instanceId": "i-1"} if namespace else {})
    return console_links(replace(one, links=links), table())


def pages(links: tuple[ConsoleLink, ...]) -> list[str]:
    return [link.page for link in links]


@pytest.mark.parametrize("site", Site)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['service']}-{row['namespace']}-{row['dimension']}")
def test_each_row_of_the_table_is_a_link_on_both_sites(row: Mapping[str, str], site: Site) -> None:
    dimensions = {row["dimension"]: row["id"], "userId": "1900000000000010"}
    found = console_links(alert(row["namespace"], "cn-hangzhou", dimensions), table(site))

    link = next(link for link in found if link.page == row["page"])
    assert (link.url, link.grade) == (row[site], row[f"grade_{site}"])
    assert (found[0] == link) == (row["place"] == "first")


def test_the_table_has_no_row_that_the_test_does_not_know() -> None:
    for site in Site:
        for namespace, templates in table(site).templates.items():
            known = {row["page"] for row in ROWS if row["namespace"] == namespace or namespace in {"*", "acs_disk"}}
            assert {template.page for template in templates} <= known


def test_the_best_comes_first_and_each_has_a_name() -> None:
    one = alert("acs_ecs", "cn-hangzhou", {"instanceId": "i-1", "diskId": "d-1"})
    assert [(link.page, link.title) for link in console_links(one, table())] == [
        ("instance", "Instance page"),
        ("disk", "Disk page"),
        ("chart", "Metric chart"),
        ("host", "Host monitoring"),
        ("list", "Instance list"),
        ("hash", "Instance page (old address)"),
        ("rules", "Alert rules"),
    ]


@pytest.mark.parametrize(
    ("namespace", "dimensions"),
    [
        ("acs_vpc_eip", {"instanceId": "eip-1"}),
        ("acs_nat_gateway", {"instanceId": "ngw-1"}),
        ("acs_k8s", {"cluster": "c0ffee"}),
    ],
)
def test_where_the_page_is_weakly_known_the_chart_is_best(namespace: str, dimensions: dict[str, str]) -> None:
    found = console_links(alert(namespace, "cn-hangzhou", dimensions), table())
    assert pages(found) == ["chart", "instance", "rules"]


def test_a_rules_namespace_has_the_pages_of_the_callbacks() -> None:
    found = console_links(alert("acs_ecs_dashboard", "cn-hangzhou", {"instanceId": "i-1"}), table())
    assert found == console_links(alert("acs_ecs", "cn-hangzhou", {"instanceId": "i-1"}), table())


def test_the_list_of_all_rules_alone_is_no_link_of_a_resource() -> None:
    assert console_links(alert("acs_ecs", "cn-hangzhou", {}), table()) == ()


def test_the_senders_own_pages_are_linked_and_the_resource_is_best() -> None:
    found = sender_links(
        "acs_ecs",
        history="https://cmsnext.console.aliyun.com/history?id=1",
        resource="https://cmsnext.console.aliyun.com/entity#/i-1",
        rule="https://cmsnext.console.aliyun.com/rule/r-1",
        query="https://sls.console.aliyun.com/lognext/q",
        dashboard="https://arms.console.aliyun.com/d/1",
        silent_times="https://arms.console.aliyun.com/s/1",
    )
    assert pages(found) == [
        "resource", "instance", "query", "chart", "dashboard", "rule", "history", "silent_times",
        "host", "list", "hash",
    ]  # fmt: skip
    assert [link.title for link in found if link.grade == "sender"] == [
        "Resource page", "Query", "Dashboard", "Alert rule", "Alert history", "Silent times",
    ]  # fmt: skip


def test_the_same_address_is_linked_once() -> None:
    instance = "https://ecs.console.aliyun.com/server/i-1/detail?regionId=cn-hangzhou"
    found = sender_links("acs_ecs", resource=instance, rule=instance)
    assert pages(found)[:2] == ["resource", "chart"]
    assert [link.url for link in found].count(instance) == 1


def test_a_sender_with_no_namespace_has_its_own_pages() -> None:
    found = sender_links(query="https://sls.console.aliyun.com/q", rule="https://sls.console.aliyun.com/r")
    assert pages(found) == ["query", "rule"]


@pytest.mark.parametrize("url", BAD)
def test_a_senders_page_elsewhere_is_never_linked(url: str) -> None:
    assert sender_links(resource=url, rule=url) == ()


@pytest.mark.parametrize("word", ["instance", "chart", "rules", "", "Rule", "a b", "<b>", "\u202e", "x" * 40, "_x"])
def test_a_sender_cannot_pose_as_a_page_of_ours(word: str) -> None:
    elsewhere = "https://a.console.aliyun.com/"
    assert all(link.url != elsewhere for link in sender_links("acs_ecs", **{word: elsewhere}))


def test_a_sender_with_many_pages_does_not_fill_the_menu() -> None:
    many = {f"p{number}": f"https://a.console.aliyun.com/{number}" for number in range(1000)}
    assert len(sender_links(**many)) == 8


CUSTOM_TEMPLATES = {
    "acs_ecs": "https://ecs.console.aliyun.com/#/mine/{regionId}/{id}?account={account}",
    "acs_new": "https://new.console.aliyun.com/{namespace}/{category}?{dimension}={id}",
    "acs_rds": "https://rds.console.aliyun.com/{region}/{id}",
    "acs_vpc_eip": "https://vpc.console.aliyun.com/mine/{id}",
    "chart": "https://cms.console.aliyun.com/c?n={namespace}&d={dimension}:{id}&r={region}&m={metric}",
    "rules": "https://cms.console.aliyun.com/rules",
}


def custom_links(namespace: str, region: str | None, **dimensions: str) -> dict[str, str]:
    one = replace(alert(namespace, region, dimensions), account_id="19", metric="cpu %")
    return {link.page: link.url for link in console_links(one, link_table(Settings(console_links=CUSTOM_TEMPLATES)))}


def test_the_admins_templates_come_in_the_place_of_the_built_in() -> None:
    found = custom_links("acs_ecs", "cn-a", instanceId="i-1")
    assert found["instance"] == "https://ecs.console.aliyun.com/#/mine/cn-a/i-1?account=19"
    assert found["chart"] == "https://cms.console.aliyun.com/c?n=acs_ecs&d=instanceId:i-1&r=cn-a&m=cpu%20%25"
    assert found["rules"] == "https://cms.console.aliyun.com/rules"


def test_the_admins_template_for_a_namespace_that_has_no_page_is_added() -> None:
    assert custom_links("acs_new", None, k="v-1")["instance"] == "https://new.console.aliyun.com/acs_new/new?k=v-1"


def test_the_admins_template_is_best_even_where_ours_is_weak() -> None:
    assert next(iter(custom_links("acs_vpc_eip", "cn-a", instanceId="eip-1"))) == "instance"


def test_where_the_admins_template_lacks_a_value_the_next_page_is_linked() -> None:
    assert list(custom_links("acs_rds", None, instanceId="rm-1")) == ["chart", "rules"]


alerts = st.builds(
    replace,
    st.just(alert(None)),
    namespace=st.sampled_from([*(row["namespace"] for row in ROWS), *CUSTOM_TEMPLATES]) | texts,
    region=st.none() | st.just("cn-hangzhou") | texts,
    dimensions=st.dictionaries(st.sampled_from([*(row["dimension"] for row in ROWS), "userId"]) | texts, texts),
    links=st.dictionaries(st.sampled_from(["resource", "rule", "chart"]) | texts, st.sampled_from(BAD) | texts),
    metric=st.none() | texts,
    account_id=st.none() | texts,
)


@given(one=alerts, templates=st.sampled_from([{}, CUSTOM_TEMPLATES]))
def test_whatever_an_alert_says_all_its_links_are_safe(one: Alert, templates: dict[str, str]) -> None:
    pages_of = link_table(Settings(console_links=templates))
    found = console_links(one, pages_of)

    assert len({link.page for link in found}) == len({link.url for link in found}) == len(found)
    for link in found:
        assert is_allowed(link.url)
        assert leads_to_console(link.url) if link.grade == "sender" else link_is_safe(link.url)


@pytest.mark.parametrize("number", HOSTILE)
def test_a_hostile_id_is_in_no_path_of_any_page(number: str) -> None:
    for row in ROWS:
        for link in console_links(alert(row["namespace"], "cn-hangzhou", {row["dimension"]: number}), table()):
            assert link_is_safe(link.url)
            assert link.page in {"chart", "rules"}
