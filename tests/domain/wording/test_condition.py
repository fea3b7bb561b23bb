import time

import pytest

from trayalert.domain.wording.condition import condition_text
from trayalert.domain.wording.language import Language

EN, ZH = Language.EN, Language.ZH


@pytest.mark.parametrize(
    ("expression", "english", "chinese"),
    [
        ("$Average>=95", "Average ≥ 95 %", "平均值 ≥ 95 %"),
        ("$Average<=0.1", "Average ≤ 0.1 %", "平均值 ≤ 0.1 %"),
        ("$Value >= 5", "Value ≥ 5 %", "值 ≥ 5 %"),
        ("$Minimum!=0", "Minimum ≠ 0 %", "最小值 ≠ 0 %"),
        ("$ErrorCodeMaximum>=201", "ErrorCode Maximum ≥ 201 %", "ErrorCode 最大值 ≥ 201 %"),
        ("$p99>99.95", "p99 > 99.95 %", "p99 > 99.95 %"),
        ('[{"expression":"$Average>90","level":4,"times":2}]', "Average > 90 %, 2 times", "平均值 > 90 %，连续 2 次"),
        (
            "@cpu_total[60].$Average>80&&@mem[60].$Maximum>90",
            "cpu_total Average (1 min) > 80 and mem Maximum (1 min) > 90",
            "cpu_total 平均值 (1 分钟) > 80 且 mem 最大值 (1 分钟) > 90",
        ),
        ("(@a.$Sum>1 || @b.$Sum<3%)", "(a Sum > 1 or b Sum < 3 %)", "(a 总和 > 1 或 b 总和 < 3 %)"),
        ("", "", ""),
    ],
)
def test_a_condition_is_written_as_people_read_it(expression: str, english: str, chinese: str) -> None:
    assert condition_text(expression, "%", EN) == english
    assert condition_text(expression, "%", ZH) == chinese


@pytest.mark.parametrize(
    "expression",
    [
        "GreaterThanYesterday 50", "$Average>=95 &&", "&& $Average>1", "$Average>1 $Average>2", "[]", "[1, 2]", "[",
        "((", "$Average>", '[{"expression":"x"}]', '[{"expression":3}]', '{"a":1}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_stands_as_sent(expression: str) -> None:
    assert condition_text(expression, "%", EN) == expression


def test_the_unit_is_of_the_metrics_own_condition() -> None:
    assert condition_text("$Average>=1500", "ms", EN) == "Average ≥ 1.5 s"
    assert condition_text("$Average>=12", None, EN) == "Average ≥ 12"


@pytest.mark.parametrize(
    "expression",
    ["$A>1&&" * 11_000, "(" * 64_000, "[" * 1_999, "$" + "A" * 1_990, "@a." * 600, "$A>1" + " " * 1_990 + "x"],
)
def test_a_hostile_one_is_done_with_at_once(expression: str) -> None:
    begun = time.perf_counter()
    shown = condition_text(expression, "%", EN)
    assert time.perf_counter() - begun < 0.1
    assert len(shown) <= 300
