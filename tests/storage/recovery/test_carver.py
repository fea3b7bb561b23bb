"""Whatever a damaged file still contains is found, and counted exactly."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.damage import PAGE, big_log, leaves, overwrite, overwrite_page
from tests.storage.making import rows
from trayalert.storage.recovery import carver
from trayalert.storage.recovery.carver import CarvedDeliveries, delivery_at
from trayalert.storage.recovery.pages import Pages

COUNT = 2001


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "trayalert.db"
    big_log(path)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "trayalert.db"
    copy.write_bytes(sound.read_bytes())
    return copy


def carve(path: Path, *, thinned: int = 0) -> CarvedDeliveries:
    with closing(Pages(path)) as pages:
        return carver.carve(pages, thinned=thinned, throttle=lambda: None)


def counts(carved: CarvedDeliveries) -> tuple[int, int, int]:
    return len(carved.ids), carved.damaged, carved.missing


def on_page(path: Path, number: int) -> int:
    return int.from_bytes(path.read_bytes()[(number - 1) * PAGE + 3 : (number - 1) * PAGE + 5], "big")


def test_every_delivery_of_a_sound_file_is_found_as_it_is(path: Path) -> None:
    stored = rows(path, "SELECT id, received_at, method, query, content_type, sender, secret, body FROM delivery")
    with closing(Pages(path)) as pages:
        carved = carver.carve(pages)
        found = [delivery_at(pages, place) for place in carved.locations]
    assert counts(carved) == (COUNT, 0, 0)
    assert [
        (one.id, it.received_at, it.method, it.query, it.content_type, it.sender, it.secret, it.body)
        for one in found
        if one
        for it in [one.callback]
    ] == stored


def test_a_header_of_zeroes_costs_nothing(path: Path) -> None:
    overwrite(path, 0, bytes(100))
    assert counts(carve(path)) == (COUNT, 0, 0)


def test_a_first_page_of_garbage_costs_nothing(path: Path) -> None:
    overwrite_page(path, 1)
    assert counts(carve(path)) == (COUNT, 0, 0)


def test_a_bad_interior_page_costs_nothing(path: Path) -> None:
    content = path.read_bytes()
    inner = [number for number in range(1, len(content) // PAGE) if content[number * PAGE] == 0x05]
    for number in inner:
        overwrite_page(path, number + 1)
    assert inner
    assert counts(carve(path)) == (COUNT, 0, 0)


def test_three_bad_pages_cost_what_lay_on_them_and_no_more(path: Path) -> None:
    bad = leaves(path)[10:40:10]
    lost = sum(on_page(path, number) for number in bad)
    for number in bad:
        overwrite_page(path, number)
    assert counts(carve(path)) == (COUNT - lost, 0, lost)
    assert lost > 0


def test_a_flipped_byte_that_sqlite_does_not_see_costs_one_delivery(path: Path) -> None:
    at = path.read_bytes().index(b"alertState=ALERT", (leaves(path)[10] - 1) * PAGE)
    overwrite(path, at, b"B")
    assert rows(path, "PRAGMA quick_check") == [("ok",)]
    assert counts(carve(path)) == (COUNT - 1, 1, 0)


def test_a_page_whose_kind_is_damaged_is_read_all_the_same(path: Path) -> None:
    overwrite(path, (leaves(path)[10] - 1) * PAGE, b"\x4d")
    assert counts(carve(path)) == (COUNT, 0, 0)


def test_a_file_cut_in_half_gives_what_is_left_and_says_that_its_end_is_gone(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // PAGE * PAGE])
    left = sum(on_page(path, number) for number in leaves(path))
    carved = carve(path)
    assert carved.truncated
    assert (len(carved.ids), carved.damaged) == (left, 0)
    assert 0 < left < COUNT


@pytest.mark.parametrize("content", [b"", b"\0" * 50_000, b"SQLite format 3\0", random.Random(1).randbytes(100_000)])
def test_where_nothing_is_left_nothing_is_found(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trayalert.db"
    path.write_bytes(content)
    assert carve(path).total == 0


@pytest.mark.parametrize("hurt", [None, 0, 16])
def test_what_is_only_in_the_wal_is_found_too(tmp_path: Path, hurt: int | None) -> None:
    path = tmp_path / "trayalert.db"
    big_log(path, 600, wal=True)
    if hurt is not None:
        overwrite(path.with_name("trayalert.db-wal"), hurt, bytes(8))
    assert path.with_name("trayalert.db-wal").stat().st_size > 20 * PAGE
    assert counts(carve(path)) == (600, 0, 0)


def test_what_no_page_can_hold_is_followed_over_its_overflow_pages(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    big_log(path, 50, long=5)
    assert counts(carve(path)) == (50, 0, 0)
    at = path.read_bytes().index(b"x" * 2000)
    overwrite(path, at + 1000, b"y")
    assert counts(carve(path)) == (49, 1, 0)


def test_what_was_retired_by_age_is_neither_missing_nor_raised_from_the_dead(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DELETE FROM delivery WHERE id <= 1000 AND id != 500")
    carved = carve(path, thinned=1000)
    assert counts(carved) == (1002, 0, 0)
    assert carved.ids[:2].tolist() == [500, 1001]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 2000), cut=st.integers(0, PAGE * 3))
def test_no_damage_makes_it_fail_or_find_what_was_never_there(
    sound_small: Path, seed: int, flips: int, cut: int
) -> None:
    chance = random.Random(seed)
    content = bytearray(sound_small.read_bytes())
    for _ in range(flips):
        content[chance.randrange(len(content))] = chance.choice((0, 0xFF, chance.randrange(256)))
    path = sound_small.with_name(f"{seed}.db")
    path.write_bytes(content[: len(content) - cut])
    whole = set(rows(sound_small, "SELECT id, body FROM delivery"))
    with closing(Pages(path)) as pages:
        carved = carver.carve(pages, throttle=lambda: None)
        found = [delivery_at(pages, place) for place in carved.locations]
    path.unlink()
    assert {(one.id, one.callback.body) for one in found if one} <= whole
    assert all(found)


@pytest.fixture(scope="module")
def sound_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "trayalert.db"
    big_log(path, 80, long=20)
    return path
