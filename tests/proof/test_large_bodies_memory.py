"""Many senders of large bodies at the same time: memory is bounded, no callback is lost, and real alerts are stored."""

from pathlib import Path

import pytest

from tests.soak.harness.instance import started
from tests.soak.listener.large import BODIES, LEFT, PEAK, press, turned_away

pytestmark = pytest.mark.alone


def test_100_slow_bodies_of_1_mib_take_bounded_memory_and_keep_no_alert_out(tmp_path: Path) -> None:
    with started(tmp_path) as instance:
        found = press(instance, list(BODIES))
        refused, why = turned_away(instance)

    assert set(found.statuses) == {200, 503}
    assert found.without_time == 0
    assert found.lost == 0
    assert found.peak <= PEAK
    assert found.left <= LEFT
    assert found.steady.all_accepted
    assert found.steady.sent > 50
    assert found.steady.late < 50
    assert refused == found.refused
    assert "MiB" in why


def test_the_proof_by_large_bodies_finds_a_program_that_holds_them_all(tmp_path: Path) -> None:
    with started(tmp_path, module="tests.soak.controls.unlimited_listener") as instance:
        assert press(instance, ["emoji"], seconds=0.2, patience=0).peak > PEAK
