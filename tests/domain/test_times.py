import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.times import (
    as_datetime,
    duration_text,
    iso,
    moment_text,
    read_age,
    read_moment,
    read_timestamp,
    span_ends,
)

S, M, H, D = 1_000, 60_000, 3_600_000, 86_400_000
NOW = 1_795_000_000_000
texts = st.text() | st.text(st.sampled_from("0123456789.-+:TZWsmhdw eE_٣"), max_size=25)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None), (0, "1970-01-01T00:00:00.000Z"), (1685614196421, "2023-06-01T10:09:56.421Z"),
        (1508136760_000, "2017-10-16T06:52:40.000Z"), (1_000_000_000_001, "2001-09-09T01:46:40.001Z"),
        (9_999_999_999_999, "2286-11-20T17:46:39.999Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ],
)  # fmt: skip
def test_a_moment_is_written_in_utc(moment: int | None, text: str | None) -> None:
    assert iso(moment) == text


@given(st.integers(1_000_000_000_000, 9_999_999_999_999))
def test_every_moment_that_can_be_sent_comes_back(moment: int) -> None:
    assert read_timestamp(str(moment)) == moment
    assert read_timestamp(str(moment // 1000)) == moment // 1000 * 1000
    assert read_moment(iso(moment) or "", now=NOW) == moment
    assert as_datetime(moment).timestamp() == pytest.approx(moment / 1000, abs=1e-3)


@given(texts)
def test_no_text_that_claims_to_be_a_time_raises(text: str) -> None:
    moment = read_timestamp(text)
    assert moment is None or 1_000_000_000_000 <= moment <= 9_999_999_999_999
    age = read_age(text)
    assert age is None or age >= 0
    typed = read_moment(text, now=NOW)
    assert typed is None or isinstance(typed, int)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90s", 90 * S), ("15m", 15 * M), ("24h", 24 * H), ("7d", 7 * D), ("2w", 14 * D), (" 15 M ", 15 * M),
        ("0s", 0),
        ("15", None), ("m", None), ("", None), ("-5m", None), ("1.5h", None), ("5 months", None), ("1234567s", None),
        ("٣m", None), ("1h30m", None), ("5y", None),
    ],
)  # fmt: skip
def test_an_age_is_a_number_and_a_unit(text: str, age: int | None) -> None:
    assert read_age(text) == age


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1h", NOW - H), ("2023-06-01", at(2023, 6, 1)), ("2023-06-01T10:00", at(2023, 6, 1, 10)),
        ("2023-06-01 10:00:30", at(2023, 6, 1, 10, 0, 30)), ("2023-06-01T10:00:00Z", at(2023, 6, 1, 10)),
        ("2023-06-01T10:00:00+08:00", at(2023, 6, 1, 2)), ("2023-06-01T10:00:00.250Z", at(2023, 6, 1, 10) + 250),
        (" 2023-06-01 ", at(2023, 6, 1)), ("0001-01-01T00:00:00+14:00", -62135596800_000 - 14 * H),
        ("9999-12-31T23:59:59-14:00", at(9999, 12, 31, 23, 59, 59) + 14 * H),
        ("2023-13-01", None), ("yesterday", None), ("", None), ("10:00", None), ("2023-06-01T25:00", None),
    ],
)  # fmt: skip
def test_a_person_types_a_date_a_time_or_an_age(text: str, moment: int | None) -> None:
    assert read_moment(text, now=NOW) == moment


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "under 1 s"), (999, "under 1 s"), (-5_000, "under 1 s"), (1_000, "1 s"), (59_999, "59 s"), (M, "1 min"),
        (H - 1, "59 min"), (H, "1 h"),
        (2 * H + 5 * M, "2 h 5 min"), (D - 1, "23 h 59 min"), (D, "1 d"), (4 * D + 2 * H + 59 * M, "4 d 2 h"),
        (400 * D, "400 d"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_told_as_a_person_says_it(length: int, text: str) -> None:
    assert duration_text(length) == text


def local(*parts: int) -> int:
    return int(datetime(*parts).timestamp() * 1000)  # type: ignore[arg-type]  # noqa: DTZ001 - local time


LATE = local(2026, 11, 30, 23, 59, 59)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (LATE, "23:59"), (local(2026, 11, 30, 0, 0), "00:00"), (local(2026, 11, 29, 23, 57), "11-29 23:57"),
        (local(2026, 12, 1, 0, 0), "12-01 00:00"), (local(2025, 11, 30, 23, 57), "2025-11-30 23:57"),
        (local(2027, 1, 1, 0, 0), "2027-01-01 00:00"), (10**18, moment_text(10**15, now=LATE)),
    ],
)  # fmt: skip
def test_a_person_reads_of_a_moment_only_what_is_not_obvious(moment: int, text: str) -> None:
    assert moment_text(moment, now=LATE) == text


def test_a_span_is_named_by_its_ends_only_if_they_say_more_than_its_length() -> None:
    assert span_ends(LATE - 8 * H, LATE, now=LATE) == ("15:59", "23:59")
    assert span_ends(local(2026, 11, 29, 23, 57), LATE, now=LATE) == ("11-29 23:57", "23:59")
    assert span_ends(LATE - M, LATE, now=LATE) == ("23:58", "23:59")
    assert span_ends(LATE - 2 * S, LATE, now=LATE) is None
    assert span_ends(LATE, LATE + 2 * S, now=LATE) is None, "the ends differ, and are two seconds apart"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process can be set on POSIX only")
def test_ends_that_look_the_same_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    began_at = at(2026, 10, 25, 0, 30)  # an hour later the clock shows the same time again, as summer time ends
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        assert span_ends(began_at, began_at + H, now=began_at + H) is None
        assert span_ends(began_at, began_at + H + M, now=began_at + 2 * H) == ("02:30", "02:31")
    time.tzset()
