"""Retries and disorder lose no alert and show no alert twice.

An oracle that does not know the order of the callbacks says which incidents must be open in the end.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.harness.instance import started
from tests.soak.storage.order import MINUTE, SHAPES, PlannedAlert, deliver, firing, runs_with_lost_oks
from tests.storage.making import HOUR, NOON, raw_callback, read, reading, store, writing
from trayalert.clock import now
from trayalert.domain.events import IncidentChanged
from trayalert.domain.notification import ShowNotification
from trayalert.domain.wording.language import Language
from trayalert.services.notify.notification_writer import NotificationWriter
from trayalert.services.notify.policy import NotificationPolicy


@pytest.mark.parametrize("shape", SHAPES)
def test_retries_in_any_order_end_as_the_oracle_says(tmp_path: Path, shape: str) -> None:
    make, shuffled = SHAPES[shape]
    with started(tmp_path) as instance:
        outcome = deliver(instance, make(random.Random(3), 60, now() - 20 * MINUTE), seed=3, shuffled=shuffled)

    assert outcome.statuses == {200}
    assert outcome.sent > outcome.planned > 60
    assert (outcome.swallowed, outcome.miscounted) == ([], 0)
    assert (outcome.missing, outcome.wrongly_open) == (set(), set())


def test_the_proof_finds_a_state_that_is_not_the_oracles(tmp_path: Path) -> None:
    at = now() - MINUTE
    planned = [PlannedAlert("i-1", at, "ALERT", "WARN"), PlannedAlert("i-2", at, "OK", "WARN")]
    with started(tmp_path) as instance:
        deliver(instance, planned[1:], seed=1)
        outcome = deliver(
            instance, [PlannedAlert("i-2", at - 1, "ALERT", "WARN"), PlannedAlert("i-2", at, "ALERT", "WARN")], seed=1
        )
        # an OK does not close an incident whose ALERT has the same time
        assert outcome.wrongly_open == outcome.missing == set()
        assert deliver(instance, [PlannedAlert("i-2", at - 2, "OK", "WARN")], seed=1).wrongly_open == {"i-2"}
    assert firing(planned) == {"i-1"}


def test_a_lost_ok_followed_by_a_new_run_leaves_one_open_incident(tmp_path: Path) -> None:
    since = now() - 20 * MINUTE
    planned = [PlannedAlert("i-1", since + minute * MINUTE, "ALERT", "WARN", f"run-{minute}") for minute in range(5)]
    with started(tmp_path) as instance:
        assert deliver(instance, planned, seed=1, shuffled=False).wrongly_open == set()
        found = instance.run("incidents", "--json").objects

    assert Counter(one["state"] for one in found) == {"open": 1, "closed": 4}
    assert {one["closed_by"] for one in found} == {None, "superseded"}


def test_the_same_text_a_day_later_is_new_and_within_minutes_a_retry(tmp_path: Path) -> None:
    text = b"alertName=disk&alertState=ALERT&ruleId=r&dimensions={a=1}"
    path = tmp_path / "trayalert.db"
    store(path, *(read(raw_callback(text, came=NOON + after)) for after in (0, MINUTE, 24 * HOUR, 24 * HOUR + MINUTE)))

    with reading(path) as reader:
        assert [one.deliveries for one in reader.alerts(limit=None, after=0)] == [2, 2]


def test_no_retry_and_no_disorder_pops_up_a_second_time(tmp_path: Path) -> None:
    chance = random.Random(5)
    planned = runs_with_lost_oks(chance, 20, NOON)
    deliveries = [one for one in planned for _ in range(chance.randint(1, 4))]
    chance.shuffle(deliveries)
    path, attention = (
        tmp_path / "trayalert.db",
        NotificationPolicy(available=True),
    )
    writer = NotificationWriter(links=lambda _: (), language=lambda: Language.EN)
    shown: list[tuple[object, ...]] = []
    with writing(path) as log, reading(path) as reader:
        for number, one in enumerate(deliveries):
            # the callbacks are so far apart that no notification is held as part of a flood
            came = NOON + HOUR + number * MINUTE
            (events,) = log.commit([read(raw_callback(one.body(chance), came=came))])
            assert not isinstance(events, Exception), events
            changes = [event for event in events if isinstance(event, IncidentChanged)]
            incidents = reader.incidents([event.incident_id for event in changes])
            requests = attention.on_incidents_changed(changes, [one.incident for one in incidents], now=came)
            written = [writer.write(request, incidents, now=came) for request in requests]
            notifications = [request.notification for request in written if isinstance(request, ShowNotification)]
            shown += [(one.tag, one.level, one.title) for one in notifications if not one.update_only]

    assert len(shown) >= 20
    assert [notification for notification, times in Counter(shown).items() if times > 1] == []
