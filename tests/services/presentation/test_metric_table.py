"""Every row of the table of metrics is found, and only the rows that are needed are parsed."""

import csv
import re
from dataclasses import replace

import pytest

from tests.domain.incident.incident_log import fires
from trayalert.domain.wording.language import Language
from trayalert.domain.wording.unit import unit_or_none
from trayalert.resource_files import read_text
from trayalert.services.presentation import metric_table
from trayalert.services.presentation.alert_text import metric_text, metric_title, rule_condition_text, value_text
from trayalert.services.presentation.metric_table import find_metric

EN, ZH = Language.EN, Language.ZH
ROWS = list(csv.DictReader(read_text("metrics.csv").splitlines()))
BEGINNINGS = ("(ECS) ECS.", "(ECS) ", "(Agent) ", "（ECS）ECS.", "（ECS）", "（Agent）")
ENDS = ("(Recommend)", "(Not recommend)", "（推荐）", "（不推荐）", "（废弃）", "（Deprecated）")


def without_notes(title: str) -> str:
    """Return the title without the first of BEGINNINGS and of ENDS that it has."""
    beginning = next(filter(title.startswith, BEGINNINGS), "")
    title = title.removeprefix(beginning).lstrip() if beginning else title
    return title.removesuffix(next(filter(title.endswith, ENDS), ""))


def test_every_metric_of_the_table_is_found_with_its_titles_and_unit() -> None:
    assert len(ROWS) == 2616
    for row in ROWS:
        found = find_metric(row["namespace"], row["metric_name"])
        assert found is not None
        assert (found.title_en, found.title_zh) == (without_notes(row["title_en"]), without_notes(row["title_zh"]))
        assert found.unit == unit_or_none(row["unit"])
        assert found.title(EN) == found.title_en
        assert found.title(ZH) == (found.title_zh if re.search("[一-龥]", found.title_zh) else "")
        assert row["title_en"] or row["title_zh"]


def test_a_metric_is_found_by_both_names_of_its_namespace() -> None:
    for name in ("acs_redis_dashboard", "acs_kvstore", "redis_dashboard"):
        assert find_metric(name, "StandardMemoryUsage")
    assert find_metric("acs_ecs", "cpu_total") == find_metric("acs_ecs_dashboard", "cpu_total")


@pytest.mark.parametrize(
    ("namespace", "metric"),
    [
        ("acs_kvstore", "no such metric"), (None, "cpu_total"), ("acs_ecs", None), ("acs_ecs", "cpu_tot"),
        ("acs_ecs", ""), ("acs_ecs", "cpu_total,(Agent) Host.cpu.total(Recommend)"), ("no such", "cpu_total"),
        ("acs_ecs", "cpu_total" * 100_000), ("acs_ecs" * 100_000, "cpu_total"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_table_is_not_found(namespace: str | None, metric: str | None) -> None:
    assert find_metric(namespace, metric) is None


@pytest.mark.parametrize(
    ("metric", "english", "chinese"),
    [
        ("CPUUtilization", "CPUUtilization", "CPU使用率"),  # (ECS) and (Not recommend) in the table
        ("cpu_total", "Host.cpu.total", ""),  # (Agent) and (Recommend), and no Chinese
        ("DiskReadBPS", "Disk Read BPS", "系统盘总读BPS"),
    ],
)
def test_notes_in_the_titles_of_the_table_are_left_out(metric: str, english: str, chinese: str) -> None:
    found = find_metric("acs_ecs_dashboard", metric)
    assert found is not None
    assert (found.title(EN), found.title(ZH)) == (english, chinese)


def test_names_of_any_length_do_not_fill_the_cache() -> None:
    before = metric_table._find.cache_info().currsize
    find_metric("acs_ecs", "x" * 1_000_000)
    assert metric_table._find.cache_info().currsize == before
    find_metric("acs_ecs", "a name that is looked up")
    assert metric_table._find.cache_info().currsize in {before + 1, 1024}


def test_the_table_is_not_read_before_it_is_needed() -> None:
    metric_table._lines.cache_clear()
    metric_table._find.cache_clear()
    complete = replace(fires(0), metric="x", metric_title="内存使用率", unit="%", namespace="acs_ecs", value=1.0)
    assert metric_title(complete)
    assert value_text(complete, EN) + rule_condition_text(complete, EN)
    assert metric_table._lines.cache_info().currsize == 0
    metric_text(complete, EN)  # shows that the check above would notice a read table
    assert metric_table._lines.cache_info().currsize == 1
