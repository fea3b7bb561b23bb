"""A real Alertmanager: whatever it sends, the open incidents are its active alerts."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.program import wait_for
from tests.soak.harness.disk import Disk
from tests.soak.harness.instance import Instance, started
from tests.soak.listener.real_alertmanager import FEW, Alertmanager, alertmanager, open_in, unlike
from tests.soak.listener.strangers import deliveries


@contextmanager
def sending(folder: Path, **changes: Any) -> Iterator[tuple[Alertmanager, Instance]]:
    with (
        started(folder, **changes) as instance,
        alertmanager(folder / "alertmanager", instance.url) as source,
    ):
        yield source, instance


def names(count: int) -> list[str]:
    return [f"web-{number:03}" for number in range(count)]


def alerts(instance: Instance) -> list[dict[str, Any]]:
    return instance.run("alerts", "--json", "--limit", "10000").objects


def not_shown(instance: Instance) -> list[str]:
    """Return the names of the open incidents that stand for the hidden alerts of a group."""
    return [name for name, resource in open_in(instance.log) if not resource]


def test_groups_of_1_30_and_200_fire_in_one_body_each_and_their_alerts_recover_one_by_one(tmp_path: Path) -> None:
    groups = {"One": names(1), "Thirty": names(30), "Many": names(200)}
    with sending(tmp_path) as (source, instance):
        for rule, members in groups.items():
            source.fire(rule, members)
        wait_for(lambda: len(source.active) == 231 and not unlike(source, instance))
        assert len(deliveries(instance)) == 3

        for rule, members in groups.items():
            for name in members[:8]:
                source.resolve(rule, [name])
                wait_for(lambda: not unlike(source, instance))
            for name in members[8:]:
                source.resolve(rule, [name])
        wait_for(lambda: not open_in(instance.log))

        assert not source.active
        assert source.count("notification_requests_failed_total") == 0
        incidents = instance.run("incidents", "--json").objects
        found = alerts(instance)
    assert {(one["name"], one["resource_id"]) for one in incidents} == {
        (rule, name) for rule, members in groups.items() for name in members
    }
    assert {(one["state"], one["closed_by"], one["alerts"]) for one in incidents} == {("closed", "recovered", 2)}
    assert len(incidents) == 231
    assert len(found) == 2 * 231


def test_a_repeat_with_a_new_value_brings_the_value_and_no_second_alert(tmp_path: Path) -> None:
    with sending(tmp_path) as (source, instance):
        source.fire("DiskFull", ["web-1"], route="repeated", value="91.5")
        wait_for(lambda: open_in(instance.log))
        source.fire("DiskFull", ["web-1"], route="repeated", value="99.25")
        wait_for(lambda: b'"value":"99.25"' in b"".join(deliveries(instance)))

        (incident,) = instance.run("incidents", "--json").objects
        (alert,) = alerts(instance)
    assert (incident["state"], incident["last_value"], incident["alerts"]) == ("open", 99.25, 1)
    assert alert["deliveries"] >= 2
    assert (alert["value"], "99.25 % full" in alert["message"]) == (99.25, True)


def test_alerts_that_are_not_shown_are_told_until_the_rest_is_shown_or_the_group_has_resolved(tmp_path: Path) -> None:
    with sending(tmp_path) as (source, instance):
        source.fire("DiskFull", names(30), route="few")
        source.fire("HighLoad", names(FEW + 1), route="few")
        wait_for(lambda: len(open_in(instance.log)) == 2 * (FEW + 1))
        assert f"{30 - FEW} more alerts of this group are not shown" in not_shown(instance)
        assert len(not_shown(instance)) == 2
        # `unlike` finds the hidden alerts and the incidents that stand for them
        assert len(unlike(source, instance)) == 30 - FEW + 1 + 2

        # the resolved alert is still part of the body, where it takes the place of another alert
        source.resolve("HighLoad", ["web-000"], route="few")
        wait_for(lambda: ("HighLoad", "web-000") not in open_in(instance.log))
        assert len(not_shown(instance)) == 2
        source.resolve("HighLoad", ["web-001"], route="few")
        wait_for(lambda: len(not_shown(instance)) == 1)
        source.resolve("HighLoad", names(FEW + 1)[2:], route="few")
        source.resolve("DiskFull", names(30), route="few")
        wait_for(lambda: not open_in(instance.log))
        closed = {one["closed_by"] for one in instance.run("incidents", "--json").objects}
    assert closed == {"recovered"}


@pytest.mark.alone  # what takes longer than the listener's 4 s is answered with 503 and stored all the same
def test_what_is_refused_with_503_comes_again_until_it_is_stored_and_counts_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    disk = Disk(data, tmp_path / "disk")
    with sending(tmp_path, **disk.environment()) as (source, instance):
        disk.set(sync_error=errno.EIO)
        source.fire("DiskFull", names(3))
        wait_for(lambda: source.count("notification_requests_failed_total") > 0)
        disk.set(sync_error=0)
        wait_for(lambda: not unlike(source, instance))

        assert source.count("notifications_failed_total") == 0
        found = alerts(instance)
    assert sorted(one["resource_id"] for one in found) == names(3)
    assert {one["deliveries"] for one in found} == {1}
