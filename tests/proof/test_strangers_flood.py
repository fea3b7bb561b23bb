"""Broken and hostile HTTP, many slow connections, steady traffic and a burst.

Real alerts are stored throughout.
"""

from pathlib import Path

import pytest

from tests.program import wait_for
from tests.soak.controls import unlimited_listener
from tests.soak.harness.instance import started
from tests.soak.listener.raw_cases import CASES
from tests.soak.listener.strangers import play_cases
from tests.soak.listener.traffic import DESCRIPTORS, burst, run_slow_load, send_steadily


@pytest.mark.alone
def test_strangers_get_in_only_with_what_is_valid_and_disturb_nobody(tmp_path: Path) -> None:
    with started(tmp_path) as instance:
        outcome = play_cases(instance)

    assert len(outcome.results) >= 60
    assert len({one.case.name for one in outcome.results}) == len(outcome.results)
    assert outcome.wrong == []
    assert outcome.strays == 0
    assert outcome.steady.all_accepted
    assert outcome.steady.late < 50
    assert outcome.logged < 1000 * len(outcome.results)
    assert outcome.leaks == []
    assert outcome.grown < 30


def test_the_proof_finds_a_door_that_takes_what_it_is_given(tmp_path: Path) -> None:
    names = {"two requests at once", "absolute form", "an origin", "HTTP/2.0", "a path of 20 KB"}
    with started(tmp_path, module="tests.soak.controls.unlimited_listener") as instance:
        outcome = play_cases(
            instance,
            [case for case in CASES if case.name in names],
            bodies=lambda: unlimited_listener.taken(instance.data_dir),
            patience=0.5,
        )

    found = {line.partition(":")[0] for line in outcome.wrong}
    assert found == {"two requests at once", "absolute form", "an origin", "HTTP/2.0"}
    assert "stderr" in outcome.leaks


@pytest.mark.alone
def test_600_slow_connections_on_512_descriptors_keep_no_alert_out(tmp_path: Path) -> None:
    with started(tmp_path, descriptors=DESCRIPTORS) as instance:
        slow_load = run_slow_load(instance, seconds=5)
        counts = instance.run("status", "--json").objects[0]["door_counts"]

    assert slow_load.connections >= 600
    assert slow_load.steady.sent > 100
    assert slow_load.steady.all_accepted
    assert slow_load.steady.p99 < 100
    assert slow_load.longest < 8
    assert slow_load.logged < 100_000
    assert instance.stderr.stat().st_size < 1000
    assert counts["evicted"] > 100  # if all connections had room, the test would prove nothing


def test_the_proof_by_slow_connections_finds_a_door_as_aiohttp_makes_it(tmp_path: Path) -> None:
    with started(tmp_path, module="tests.soak.controls.unlimited_listener", descriptors=DESCRIPTORS) as instance:
        slow_load = run_slow_load(instance, seconds=2, patience=3)

    assert slow_load.steady.refused or slow_load.steady.p99 > 1000


@pytest.mark.alone
def test_200_alerts_a_second_and_a_burst_are_all_accepted_in_flat_memory(tmp_path: Path) -> None:
    with started(tmp_path) as instance:
        traffic = send_steadily(instance, rate=200, seconds=5)
        sudden = burst(instance.url)
        again = burst(instance.url)  # at the end of this burst, every cache is full
        before = instance.memory
        once_more = burst(instance.url)
        grown = instance.memory - before

    assert traffic.steady.all_accepted
    assert traffic.steady.sent == 1000
    assert traffic.steady.late < 50
    assert traffic.grown < 4
    assert [sudden.accepted, again.accepted, once_more.accepted] == [5000, 5000, 5000]
    assert sudden.seconds < 5
    assert grown < 4  # the memory for 5,000 more alerts was freed again


@pytest.mark.parametrize("stays", ["descriptors", "threads"])
def test_nothing_is_left_of_a_crowd(tmp_path: Path, stays: str) -> None:
    with started(tmp_path) as instance:
        folder = Path(f"/proc/{instance.pid}/{'fd' if stays == 'descriptors' else 'task'}")
        burst(instance.url, alerts=200, connections=50)
        before = len(list(folder.iterdir()))
        for _ in range(3):
            burst(instance.url, alerts=300, connections=100)
        wait_for(lambda: len(list(folder.iterdir())) <= before + 2)  # the last answers linger for up to a second
