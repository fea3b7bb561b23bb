import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trayalert.domain.wording.language import Language
from trayalert.domain.wording.quantity import NARROW_SPACE, quantity_text
from trayalert.domain.wording.unit import Measure, read_unit
from trayalert.resource_files import read_text

EN, ZH = Language.EN, Language.ZH


def write_quantity(text: str, unit: str | None, language: Language = EN, *, exact: bool = False) -> str:
    return quantity_text(float(text), text, unit, language, exact=exact).replace(NARROW_SPACE, " ")


@pytest.mark.parametrize(
    ("text", "unit", "english", "chinese"),
    [
        ("97.39", "%", "97.4 %", "97.4 %"),
        ("12.45", "%", "12.5 %", "12.5 %"),
        ("95", "%", "95 %", "95 %"),
        ("95.0 ", "Percent", "95 %", "95 %"),
        ("99.97", "%", "99.97 %", "99.97 %"),
        ("99.9999999", "%", "99.99 %", "99.99 %"),
        ("100.000000000000", "%", "100 %", "100 %"),
        ("0.04", "%", "0.04 %", "0.04 %"),
        ("0", "%", "0 %", "0 %"),
        ("-0.0", "%", "0 %", "0 %"),
        ("-97.39", "%", "-97.4 %", "-97.4 %"),
        ("1234567890", "Byte/s", "1.2 GB/s", "1.2 GB/s"),
        ("1234567890", "bit/s", "1.2 Gbit/s", "1.2 Gbit/s"),
        ("1234567890", "bps", "1.2 Gbit/s", "1.2 Gbit/s"),
        ("2048", "KByte", "2 MB", "2 MB"),
        ("12", "KbyteSecond", "12 kB/s", "12 kB/s"),
        ("500", "Mb/s", "500 Mbit/s", "500 Mbit/s"),
        ("500", "MB/s", "500 MB/s", "500 MB/s"),
        ("999960", "bytes", "1 MB", "1 MB"),
        ("512", "Bytes", "512 B", "512 B"),
        ("7000", "byte/day", "7 kB/day", "7 kB/天"),
        ("12000", "Count", "12 000", "12 000"),
        ("12000", "个", "12 000", "12 000 个"),
        ("12000", "次/秒", "12 000/s", "12 000 次/秒"),
        ("1234567", "N/A", "1 234 567", "1 234 567"),
        ("12000", "CountSecond", "12 000/s", "12 000/秒"),
        ("12000", "count/s", "12 000/s", "12 000/秒"),
        ("12.333333333333334", "Count/Second", "12.3/s", "12.3/秒"),
        ("3", "request per min", "3 requests/min", "3 次请求/分钟"),
        ("1", "packet/s", "1 packet/s", "1 个包/秒"),
        ("0.755", "Load", "0.76", "0.76"),
        ("1500", "ms", "1.5 s", "1.5 秒"),
        ("15", "Milliseconds", "15 ms", "15 毫秒"),
        ("5", "us", "5 µs", "5 微秒"),
        ("90", "Seconds", "1 min 30 s", "1 分钟 30 秒"),
        ("3725", "s", "1 h 2 min", "1 小时 2 分钟"),
        ("36.6", "℃", "36.6 ℃", "36.6 ℃"),
        ("12", "台", "12 台", "12 台"),
        ("1e3", None, "1 000", "1 000"),
    ],
)
def test_a_reading_is_written_as_people_read_it(text: str, unit: str | None, english: str, chinese: str) -> None:
    assert write_quantity(text, unit) == english
    assert write_quantity(text, unit, ZH) == chinese


def test_what_is_no_number_stands_as_sent() -> None:
    assert quantity_text(None, "about \u202enine", "%", EN) == "about nine"
    assert quantity_text(None, None, "%", EN) == ""
    assert quantity_text(float("nan"), "NaN", "%", EN) == "NaN"
    assert quantity_text(float("inf"), "9" * 9000, "%", EN) == "9" * 39 + "…"


def test_a_bound_that_a_person_set_is_not_rounded() -> None:
    assert write_quantity("12.45", "%", exact=True) == "12.45 %"
    assert write_quantity("99.999", "%", exact=True) == "99.999 %"
    assert write_quantity("3725", "s", exact=True) == "3 725 s"
    assert write_quantity("7200", "s", exact=True) == "2 h"
    assert write_quantity("1073741824", "Byte", exact=True) == "1.074 GB"


def test_every_unit_of_the_metric_table_is_known() -> None:
    units = {row["unit"] for row in csv.DictReader(read_text("metrics.csv").splitlines())}
    unknown = {unit for unit in units if read_unit(unit).measure is Measure.OTHER}

    assert len(units) > 60
    assert unknown == {"℃", "W", "PPM", "LCU", "xids", "CNY"}  # shown as they are sent


numbers = st.floats() | st.integers(-(10**400), 10**400).map(str) | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{0,30})?")
units = st.text(max_size=30) | st.sampled_from(["%", "Byte", "ms", "s", "Count", "bit/s", "1/s", "/", "s/s", "per s"])


@given(value=st.none() | st.floats(), text=st.none() | st.text() | numbers.map(str), unit=st.none() | units)
@example(value=1e308, text="1e308", unit="PB")
@example(value=5e-324, text=None, unit="ns")
@example(value=1e22, text="9" * 60_000, unit="Byte" * 9000)
def test_nothing_that_is_sent_raises_or_gets_long(value: float | None, text: str | None, unit: str | None) -> None:
    for language in Language:
        for exact in (True, False):
            assert len(quantity_text(value, text, unit, language, exact=exact)) < 80


@given(st.decimals(0, 100, places=6))
def test_rounding_never_makes_it_full_nor_nothing(number: object) -> None:
    text = f"{number:f}"
    shown = write_quantity(text, "%").removesuffix(" %")
    assert (float(shown) >= 100) == (float(text) >= 100)
    assert (float(shown) == 0) == (float(text) == 0)
    assert abs(float(shown) - float(text)) <= 0.0500001
