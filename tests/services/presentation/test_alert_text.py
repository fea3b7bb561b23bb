"""The texts in which an alert is presented to the user."""

import csv
from dataclasses import replace

import pytest

from tests.domain.incident.incident_log import fires
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.wording.language import Language
from trayalert.resource_files import read_text
from trayalert.services.presentation.alert_text import (
    MAX_LINES,
    message_lines,
    metric_or_message,
    metric_text,
    metric_title,
    metric_unit,
    name_text,
    resource_component_text,
    resource_text,
    rule_condition_text,
    value_text,
)

EN, ZH = Language.EN, Language.ZH


def alert(
    metric: str | None = "StandardMemoryUsage",
    title: str | None = None,
    *,
    namespace: str = "acs_kvstore",
    unit: str | None = None,
) -> Alert:
    return replace(
        fires(0), metric=metric, metric_title=title, namespace=namespace, unit=unit, value=91.24, value_text="91.24",
        expression="$Average>=90",
    )  # fmt: skip


@pytest.mark.parametrize("title", [None, "StandardMemoryUsage"])
def test_a_title_that_is_missing_or_only_the_id_is_taken_from_the_table(title: str | None) -> None:
    assert metric_text(alert(title=title), EN) == "Memory Usage"
    assert metric_text(alert(title=title), ZH) == "内存使用率"


def test_a_title_in_ones_own_language_goes_before_that_of_the_callback() -> None:
    assert metric_text(alert(title="实例内存"), EN) == "Memory Usage"
    assert metric_text(alert(title="Instance memory"), ZH) == "内存使用率"
    assert metric_text(alert("of_ours", "Ours"), ZH) == "Ours"
    assert metric_text(alert("of_ours", "of_ours"), EN) == metric_text(alert("of_ours"), EN) == "of_ours"
    assert metric_text(alert(None), EN) == ""


def test_a_title_in_one_language_only_is_better_than_an_id() -> None:
    assert metric_text(alert("dcdn_qps_http", namespace="acs_dcdn"), EN) == "Http每秒请求数"
    assert metric_text(alert("dcdn_qps_http", "HTTP queries", namespace="acs_dcdn"), EN) == "HTTP queries"


def test_scripts_get_the_same_title_in_every_language() -> None:
    assert metric_title(alert(title="实例内存")) == "实例内存"
    assert metric_title(alert()) == metric_title(alert(title="StandardMemoryUsage")) == "Memory Usage"
    assert metric_title(alert("dcdn_qps_http", namespace="acs_dcdn")) == "dcdn_qps_http"
    assert metric_title(alert("of_ours")) == "of_ours"
    assert metric_title(alert(None)) is None
    assert metric_unit(alert(unit="个")) == "个"


def test_a_unit_that_is_missing_is_taken_from_the_table_for_reading_and_condition() -> None:
    assert value_text(alert(), EN) == "91.2 %"
    assert rule_condition_text(alert(), ZH) == "平均值 ≥ 90 %"
    without = next(row for row in csv.DictReader(read_text("metrics.csv").splitlines()) if row["unit"] == "N/A")
    assert metric_unit(alert(without["metric_name"], namespace=without["namespace"])) is None


def test_a_composite_rule_has_several_metrics() -> None:
    composite = alert("多指标", "多指标", namespace="acs_ecs")
    assert metric_text(composite, EN) == "Several metrics"
    assert metric_text(composite, ZH) == metric_title(composite) == "多指标"


def test_a_name_in_several_languages_is_said_in_ones_own() -> None:
    event = replace(fires(0), name="Instance:Reboot", titles={"en": "Instance reboot", "zh": "实例重启"})
    assert (name_text(event, EN), name_text(event, ZH)) == ("Instance reboot", "实例重启")
    assert name_text(replace(event, titles={}), ZH) == "Instance:Reboot"
    assert name_text(replace(event, titles={"zh": "实例\u202e重启"}, name=None), EN) == "实例重启"


def test_an_events_machine_name_is_said_as_people_say_it() -> None:
    event = replace(fires(0), kind=Kind("event"), name="Instance:SystemMaintenance.Reboot:Scheduled")
    assert name_text(event, EN) == "Reboot for system maintenance"
    assert name_text(event, ZH) == "因系统维护，实例重启"
    assert name_text(replace(event, name="Agent_Status_Stopped"), EN) == "Monitoring agent stopped"
    assert name_text(replace(event, titles={"en": "Its own"}), EN) == "Its own"
    for unknown in ("Instance:New.Thing:Scheduled", "Instance:SystemMaintenance.Reboot:Soon", "Scheduled", ":"):
        assert name_text(replace(event, name=unknown), ZH) == unknown
    rule = "Instance:StateChange"
    assert name_text(replace(event, kind=Kind("threshold"), name=rule), EN) == rule


def test_a_message_keeps_its_lines_and_says_nothing_twice() -> None:
    text = "磁盘满\ndb-02\n\n<b>5xx</b> 12 %\r\nsee \u202ehere\n<b>5xx</b> 12 %"
    full = replace(fires(0), name="DiskFull", titles={"zh": "磁盘满"}, resource_name="db-02", message=text)
    assert message_lines(full, ZH) == ("<b>5xx</b> 12 %", "see here")
    assert message_lines(full, EN)[0] == "磁盘满"
    assert message_lines(replace(full, message="磁盘满"), ZH) == message_lines(replace(full, message=None), ZH) == ()
    many = message_lines(replace(full, message="\n".join(str(number) * 900 for number in range(10, 9000))), EN)
    assert len(many) <= MAX_LINES
    assert max(map(len, many)) <= 500


def test_what_has_no_metric_is_told_by_its_message() -> None:
    event = replace(alert(None), message="Scheduled; reason: disk\nmore")
    assert metric_or_message(event, EN) == "Scheduled; reason: disk"
    assert metric_or_message(replace(alert("of_ours"), message="x"), EN) == "of_ours"
    assert metric_or_message(alert(None), EN) == ""


def test_a_resource_is_called_by_its_own_name_and_part() -> None:
    disk = replace(
        fires(0), resource_id="i-1", resource_name="db-02", dimensions={"instanceId": "i-1", "device": "/dev/vda1"}
    )
    assert (resource_text(disk), resource_component_text(disk)) == ("db-02", "db-02 · /dev/vda1")
    assert resource_text(replace(disk, resource_name=None)) == "i-1"
    assert resource_component_text(replace(disk, dimensions={})) == "db-02"
    assert resource_component_text(fires(0)) == ""
