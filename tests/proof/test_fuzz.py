"""The fuzzers' target with the samples and random mutations of them. `make soak` uses fuzzers guided by coverage."""

import re

import pytest

from tests.soak.fuzzing.fuzz import elsewhere
from tests.soak.fuzzing.fuzz_target import check
from tests.soak.fuzzing.mutations import corpus, spoiled
from tests.soak.harness.judges import formulas, leads_to_console, link_is_safe, runs_as_formula


def test_the_samples_and_what_chance_makes_of_them_are_parsed_and_linked() -> None:
    seeds = corpus()
    for content in [*seeds, *spoiled(seeds, 8_000, seed=7)]:
        try:
            check(content)
        except Exception as error:
            raise AssertionError(content) from error


def test_no_link_leads_off_the_allow_list() -> None:
    assert elsewhere(20_000) == []


@pytest.mark.parametrize("allowed", ["startswith", "contains", "everything"])
def test_the_proof_finds_a_careless_allow_list(allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    careless = {
        "startswith": lambda url: url.startswith("https://ecs.console.aliyun.com"),
        "contains": lambda url: url.startswith("https://") and ".console.aliyun.com" in url,
        "everything": lambda _url: True,
    }
    monkeypatch.setattr("tests.soak.fuzzing.fuzz_target.is_allowed", careless[allowed])

    assert elsewhere(2_000)


def test_the_proof_finds_senders_pages_that_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trayalert.domain.incident.console_link.is_allowed", lambda _url: True)

    assert elsewhere(2_000)


def test_the_proof_finds_ids_that_enter_a_path_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trayalert.domain.incident.console_link.ID", re.compile(r"(?s).*"))

    assert elsewhere(20_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://ecs.console.aliyun.com/",
        "https://ecs.console.aliyun.com.evil.example/",
        "https://evil.example/.console.aliyun.com",
        "https://evil.example\\.console.aliyun.com/",
        "https://evil.example#.console.aliyun.com",
        "https://evil.example?.console.aliyun.com",
        "https://a@ecs.console.aliyun.com/",
        "https://ecs.console.aliyun.com@evil.example/",
        "https://ecs.console.aliyun.com:444/",
        "https://ecs.console.aliyun.com:/",
        "https:ecs.console.aliyun.com/",
        "https:///ecs.console.aliyun.com/",
        "https://console.aliyun.com/",
        "https://xconsole.aliyun.com/",
        "https://ecs.console.aliyun.com。evil.example/",
        "https://ecs．console.aliyun.com/",
        "https://ecs.console.aliyun.com/\n",
        "https://ecs.console.aliyun.com/ a",
        " https://ecs.console.aliyun.com/",
        "javascript://ecs.console.aliyun.com/%0aalert(1)",
        "file://ecs.console.aliyun.com/etc/passwd",
        "HTTPS://ECS.CONSOLE.ALIYUN.COM/",
    ],
)
def test_the_judge_of_links_knows_what_leads_elsewhere(url: str) -> None:
    assert not leads_to_console(url)


def test_the_judge_of_links_lets_ours_through() -> None:
    assert link_is_safe("https://ecs.console.aliyun.com/server/i-1/detail?regionId=cn-hangzhou#/a")
    assert not link_is_safe("https://ecs.console.aliyun.com/server/%2e%2e/x")


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "  =1", "＝1", "＋1", "－1", "＠a", "\u200b=1"]
)
def test_the_judge_of_tables_knows_a_formula(cell: str) -> None:
    assert runs_as_formula(cell)
    assert not runs_as_formula("'" + cell)


def test_the_judge_of_tables_knows_a_cell_that_broke_out() -> None:
    assert formulas('id,name\r\n1,"a\nb"\r\n') == []
    assert formulas("id,name\r\n1,a,b\r\n")
    assert formulas("id,name\r\n1,a\nb\r\n")
    assert formulas("id,name\r\n=1,a\r\n")
