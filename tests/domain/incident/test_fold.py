"""How an alert folds into incidents: a row for each state of an alert and each earlier state of its incident."""

from dataclasses import replace

import pytest

from tests.domain.incident.incident_log import MINUTE, IncidentLog, alert, fires, minute, no_data, ok
from trayalert.domain.incident.alert import UNRECOGNISED, Alert, State
from trayalert.domain.incident.incident import UNRECOGNISED_KEY, UNRECOGNISED_SPAN, Change
from trayalert.domain.incident.level import Level

C, W, I, OKAY = Level.CRITICAL, Level.WARN, Level.INFO, Level.OK  # noqa: E741  # short, as they appear in every row
OPENED, LEVEL, NO_DATA, COUNTED, LATE = Change.OPENED, Change.LEVEL, Change.NO_DATA, Change.COUNTED, Change.LATE
RECOVERED, SUPERSEDED, UNKNOWN = Change.RECOVERED, Change.SUPERSEDED, Change.RECOVERED_UNKNOWN

IncidentRow = tuple[float, float | None, Change | None, Level, int]


# a row: the alerts in order of arrival; the last alert's change; all incidents (opened, closed, by what, level, alerts)
@pytest.mark.parametrize(
    ("alerts", "change", "incidents"),
    [
        # ALERT
        pytest.param([fires(0)], OPENED, [(0, None, None, W, 1)], id="ALERT, none open: opens"),
        pytest.param([fires(0), fires(5)], COUNTED, [(0, None, None, W, 2)], id="ALERT, one open: only counted"),
        pytest.param([fires(0), fires(5, level=C)], LEVEL, [(0, None, None, C, 2)], id="ALERT, worse: told"),
        pytest.param([fires(0, level=C), fires(5, level=I)], LEVEL, [(0, None, None, I, 2)], id="ALERT, better: told"),
        pytest.param([fires(5), fires(0, level=C)], COUNTED, [(0, None, None, W, 2)], id="ALERT, older: level stays"),
        pytest.param([fires(5), fires(5, level=C)], LEVEL, [(5, None, None, C, 2)], id="ALERTs at once: the worse"),
        pytest.param([fires(5, level=C), fires(5)], COUNTED, [(5, None, None, C, 2)], id="ALERTs at once, reversed"),
        pytest.param([fires(0), ok(5), fires(10)], OPENED, [(0, 5, RECOVERED, OKAY, 2), (10, None, None, W, 1)],
                     id="ALERT after the OK: opens anew"),
        pytest.param([fires(2), ok(5), fires(4, level=C)], LATE, [(2, 5, RECOVERED, OKAY, 3)],
                     id="ALERT older than the last OK: joins, does not reopen"),
        pytest.param([ok(5), fires(2)], LATE, [(2, 5, RECOVERED, OKAY, 2)], id="its ALERT after a lone OK: joins"),
        pytest.param([fires(0), ok(5), fires(10), ok(15), fires(12), fires(3)], LATE,
                     [(0, 5, RECOVERED, OKAY, 3), (10, 15, RECOVERED, OKAY, 3)], id="late ALERTs find their own run"),
        # OK
        pytest.param([ok(5)], UNKNOWN, [(5, 5, RECOVERED, OKAY, 1)], id="OK, none open: closed, start unknown"),
        pytest.param([fires(0), ok(5)], RECOVERED, [(0, 5, RECOVERED, OKAY, 2)], id="OK, one open: closes"),
        pytest.param([fires(0), ok(5), ok(3)], LATE, [(0, 5, RECOVERED, OKAY, 3)], id="OK older than the last: joins"),
        pytest.param([fires(0), ok(5), ok(5)], LATE, [(0, 5, RECOVERED, OKAY, 3)], id="another OK at once: joins"),
        pytest.param([fires(0), ok(5), ok(9)], UNKNOWN, [(0, 5, RECOVERED, OKAY, 2), (9, 9, RECOVERED, OKAY, 1)],
                     id="a second OK later: of a run that was missed"),
        pytest.param([fires(5), ok(3)], COUNTED, [(5, None, None, W, 2)], id="OK older than the ALERT: only counted"),
        pytest.param([fires(0), fires(5), ok(3)], COUNTED, [(0, None, None, W, 3)], id="OK between two ALERTs"),
        # equal times: ALERT wins, in either order
        pytest.param([fires(5), ok(5)], COUNTED, [(5, None, None, W, 2)], id="ALERT, OK at once: burns"),
        pytest.param([ok(5), fires(5)], OPENED, [(5, 5, RECOVERED, OKAY, 1), (5, None, None, W, 1)],
                     id="OK, ALERT at once: burns"),
        pytest.param([no_data(5), ok(5)], COUNTED, [(5, None, None, I, 2)], id="no data, OK at once: no data"),
        pytest.param([ok(5), no_data(5)], OPENED, [(5, 5, RECOVERED, OKAY, 1), (5, None, None, I, 1)],
                     id="OK, no data at once: no data"),
        # transId
        pytest.param([fires(0, "a"), fires(5, "a"), ok(9, "a")], RECOVERED, [(0, 9, RECOVERED, OKAY, 3)],
                     id="one transaction, one incident"),
        pytest.param([fires(0, "a"), ok(5, "z")], RECOVERED, [(0, 5, RECOVERED, OKAY, 2)],
                     id="OK of an unknown transaction: closes the open one of its rule and dimensions"),
        pytest.param([fires(0), ok(5, "z")], RECOVERED, [(0, 5, RECOVERED, OKAY, 2)],
                     id="OK of an unknown transaction: closes one without"),
        pytest.param([fires(0, "a"), ok(5)], RECOVERED, [(0, 5, RECOVERED, OKAY, 2)],
                     id="OK with no transaction: closes the open one"),
        pytest.param([fires(5, "a"), ok(3, "z")], UNKNOWN, [(5, None, None, W, 1), (3, 3, RECOVERED, OKAY, 1)],
                     id="OK of an unknown transaction, older than the ALERT: closes nothing"),
        pytest.param([fires(5, "a"), ok(5, "z")], UNKNOWN, [(5, None, None, W, 1), (5, 5, RECOVERED, OKAY, 1)],
                     id="OK of an unknown transaction at once with the ALERT: closes nothing"),
        pytest.param([ok(5, "z")], UNKNOWN, [(5, 5, RECOVERED, OKAY, 1)], id="OK of an unknown transaction, none open"),
        pytest.param([fires(0, "a"), fires(5, "b")], OPENED, [(0, 5, SUPERSEDED, W, 1), (5, None, None, W, 1)],
                     id="ALERT of a new transaction: supersedes"),
        pytest.param([fires(0), fires(5, "b")], OPENED, [(0, 5, SUPERSEDED, W, 1), (5, None, None, W, 1)],
                     id="ALERT of a new transaction: supersedes one without"),
        pytest.param([fires(0, "a"), fires(5)], COUNTED, [(0, None, None, W, 2)],
                     id="ALERT with no transaction: joins the open one"),
        pytest.param([fires(5, "b"), fires(0, "a")], LATE, [(5, None, None, W, 1), (0, 5, SUPERSEDED, W, 1)],
                     id="ALERT of an older transaction: superseded at birth"),
        pytest.param([fires(0, "a"), fires(5, "b"), fires(3, "a", C)], LATE,
                     [(0, 5, SUPERSEDED, W, 2), (5, None, None, W, 1)], id="late ALERT of a superseded one: joins it"),
        pytest.param([fires(0, "a"), fires(5, "b"), ok(9, "a")], LATE,
                     [(0, 5, SUPERSEDED, OKAY, 2), (5, None, None, W, 1)],
                     id="the lost OK of a superseded one: closes no other"),
        pytest.param([fires(0, "a"), fires(5, "b"), ok(3, "a"), ok(9, "b")], RECOVERED,
                     [(0, 5, SUPERSEDED, W, 2), (5, 9, RECOVERED, OKAY, 2)], id="each OK to its own transaction"),
        pytest.param([fires(0, "a"), ok(5, "a"), fires(3, "b")], OPENED,
                     [(0, 5, RECOVERED, OKAY, 2), (3, None, None, W, 1)],
                     id="late is what is older than the last OK of its own key, no other's"),
        # INSUFFICIENT_DATA
        pytest.param([no_data(0)], OPENED, [(0, None, None, I, 1)], id="no data, none open: opens at INFO"),
        pytest.param([fires(0), no_data(5)], NO_DATA, [(0, None, None, W, 2)], id="no data, one open: joins, marked"),
        pytest.param([fires(0), no_data(5), no_data(6)], COUNTED, [(0, None, None, W, 3)], id="no data again: counted"),
        pytest.param([fires(0), ok(5), no_data(3)], LATE, [(0, 5, RECOVERED, OKAY, 3)],
                     id="no data, older than the last OK: joins"),
        pytest.param([fires(0, "a"), no_data(5, "z")], NO_DATA, [(0, None, None, W, 2)],
                     id="no data of an unknown transaction: joins the open one"),
        pytest.param([no_data(0), ok(5)], RECOVERED, [(0, 5, RECOVERED, OKAY, 2)], id="OK ends lost data"),
        pytest.param([no_data(0), fires(5)], LEVEL, [(0, None, None, W, 2)], id="ALERT after lost data: its level"),
        pytest.param([no_data(0), no_data(9), ok(5)], COUNTED, [(0, None, None, I, 3)],
                     id="OK older than the last lost data: closes nothing"),
        pytest.param([fires(0), no_data(9), ok(5)], COUNTED, [(0, None, None, W, 3)],
                     id="OK between ALERT and lost data: closes nothing"),
        pytest.param([no_data(5), fires(3, level=C)], LEVEL, [(3, None, None, C, 2)],
                     id="ALERT older than the lost data: its level all the same"),
        # without a readable time, the time of arrival counts (minute 1,000 and later)
        pytest.param([fires(None), ok(None)], RECOVERED, [(1000, 1001, RECOVERED, OKAY, 2)], id="no times: arrival"),
        pytest.param([fires(0), ok(None), fires(5)], LATE, [(0, 1001, RECOVERED, OKAY, 3)], id="OK with no time"),
    ],
)  # fmt: skip
def test_an_alert_folds(alerts: list[Alert], change: Change, incidents: list[IncidentRow]) -> None:
    log = IncidentLog().take_each(alerts)

    assert log.rows() == incidents
    assert log.changes[-1] is change
    at_once = IncidentLog().take(*alerts, came=1000).rows()
    if all(one.at is not None for one in alerts):
        assert at_once == incidents


def test_the_worst_level_is_kept_whatever_the_level_is() -> None:
    (one,) = IncidentLog().take_each([fires(5), fires(3, level=C), fires(9, level=I), ok(10)]).incidents.values()

    assert (one.level, one.worst_level) == (OKAY, C)


def test_a_lone_ok_tells_how_bad_it_was_and_that_its_start_is_unknown() -> None:
    log = IncidentLog().take_each([ok(5, previous=C)])
    (one,) = log.incidents.values()
    assert (one.worst_level, one.start_known, one.fired_at) == (C, False, None)

    (one,) = log.take_each([fires(3)]).incidents.values()
    assert (one.worst_level, one.start_known, one.fired_at) == (C, True, minute(3))


def test_lost_data_is_marked_until_the_next_alert_or_ok() -> None:
    log = IncidentLog()
    marks = []
    for one in (fires(0), no_data(5), fires(3), fires(9), no_data(8), no_data(12), ok(15)):
        log.take_each([one])
        marks.append(log.incidents[1].no_data)

    assert marks == [False, True, True, False, False, True, False]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_data_is_not_lost_where_an_alert_came_at_the_same_moment(order: tuple[int, int]) -> None:
    alerts = [fires(5), no_data(5)]
    (one,) = IncidentLog().take_each(alerts[place] for place in order).incidents.values()

    assert (one.no_data, one.level) == (False, W)


def test_the_latest_alert_stands_for_the_incident() -> None:
    log = IncidentLog()
    standing = []
    for one in (fires(5), fires(3), fires(9), no_data(7), ok(2), fires(9), ok(12), fires(4), ok(12)):
        log.take_each([one])
        standing.append(log.incidents[1].last_alert_id)

    assert standing == [1, 1, 3, 3, 3, 6, 7, 7, 7]


def test_the_last_arrival_is_kept_whatever_its_place_in_time() -> None:
    log = IncidentLog().take(fires(5), came=20).take(fires(3), came=30).take(fires(9), came=25)

    assert log.incidents[1].last_received_at == minute(30)


def test_other_rules_and_resources_are_not_touched() -> None:
    log = IncidentLog().take_each([fires(0), alert(fires(0).state, 0, subject="other"), ok(5)])

    assert [(incident.subject, incident.open) for incident in log.incidents.values()] == [
        ("subject", False),
        ("other", True),
    ]


@pytest.mark.parametrize("key", [None, "a"])
def test_an_ok_from_the_far_future_hides_no_alert(key: str | None) -> None:
    # A timestamp of 9999999999 is in the year 2286: if that OK counted, every ALERT until then would be late.
    log = IncidentLog().take(ok(200_000_000, key), came=10).take(fires(20, key), came=20)
    assert [incident.opened_at for incident in log.open()] == [minute(20)]

    log = IncidentLog().take(fires(5, key), came=5).take(ok(200_000_000, key), came=10).take(fires(20, key), came=20)
    assert [incident.opened_at for incident in log.open()] == [minute(20)]


def test_a_clock_that_is_hours_behind_the_senders_changes_nothing() -> None:
    log = IncidentLog().take(fires(480), came=0).take(ok(490), came=10).take(fires(485), came=11)

    assert log.rows() == [(480, 490, RECOVERED, OKAY, 3)]


# closed manually
def test_the_ok_of_an_incident_that_was_closed_by_hand_joins_it() -> None:
    log = IncidentLog().take_each([fires(0)]).resolve(1, at=10).take_each([ok(15)])

    assert log.rows() == [(0, 10, Change.RESOLVED, OKAY, 2)]
    assert log.changes[-1] is LATE


def test_an_alert_after_closing_by_hand_opens_anew_and_its_ok_closes_that() -> None:
    log = IncidentLog().take_each([fires(0)]).resolve(1, at=10).take_each([fires(20)])
    assert log.rows() == [(0, 10, Change.RESOLVED, W, 1), (20, None, None, W, 1)]

    log.take_each([ok(25)])
    assert log.rows() == [(0, 10, Change.RESOLVED, W, 1), (20, 25, RECOVERED, OKAY, 2)]


@pytest.mark.parametrize("key", [None, "a"])
def test_an_alert_that_arrives_after_closing_by_hand_opens_anew_even_if_it_is_older(key: str | None) -> None:
    # The user who closed the incident did not know of this alert. A second look is better than a false all-clear.
    log = IncidentLog().take_each([fires(0, key)]).resolve(1, at=10).take_each([fires(9, key)])

    assert [incident.opened_at for incident in log.open()] == [minute(9)]


def test_the_ok_of_one_that_was_closed_by_hand_does_not_close_the_next_transaction() -> None:
    log = IncidentLog().take_each([fires(0, "a")]).resolve(1, at=10).take_each([fires(20, "b"), ok(25, "a")])

    assert [incident.key for incident in log.open()] == ["b"]
    log.take_each([ok(30, "b")])
    assert not log.open()


def test_closing_by_hand_with_a_clock_that_is_behind_never_ends_before_the_start() -> None:
    assert IncidentLog().take_each([fires(10)]).resolve(1, at=5).rows() == [(10, 10, Change.RESOLVED, W, 1)]


# unrecognised callbacks
def unread() -> Alert:
    return alert(None, None, subject=UNRECOGNISED_KEY, kind=UNRECOGNISED)


def test_all_unrecognised_callbacks_are_one_incident_whose_end_each_one_moves() -> None:
    log = IncidentLog().take(unread(), came=0).take(unread(), came=7).take(unread(), came=5)
    (one,) = log.incidents.values()

    assert log.rows() == [(0, None, None, W, 3)]
    assert log.changes == [OPENED, COUNTED, COUNTED]
    assert one.expires_at == minute(7) + UNRECOGNISED_SPAN
    assert one.last_received_at == minute(7)


def test_the_next_one_after_its_end_opens_anew() -> None:
    log = IncidentLog().take(unread(), came=0).expire(1)
    day = UNRECOGNISED_SPAN / MINUTE
    assert log.rows() == [(0, day, Change.EXPIRED, W, 1)]

    log.take(unread(), came=day + 5)
    assert log.rows() == [(0, day, Change.EXPIRED, W, 1), (day + 5, None, None, W, 1)]


def test_what_can_recover_does_not_expire() -> None:
    assert all(one.expires_at is None for one in IncidentLog().take_each([fires(0), no_data(5)]).incidents.values())


# events that no other event resolves
def event(at: float, level: Level = Level.WARN) -> Alert:
    return alert(State.ALERT, at, level=level, one_off=True)


@pytest.mark.parametrize(("level", "hours"), [(Level.INFO, 1), (Level.WARN, 24), (Level.CRITICAL, 72)])
def test_a_one_off_event_closes_by_itself_after_a_time_for_its_level(level: Level, hours: int) -> None:
    log = IncidentLog().take(event(0, level), came=0).expire(1)

    assert log.rows() == [(0, 60 * hours, Change.EXPIRED, level, 1)]


def test_one_more_event_joins_and_moves_the_end() -> None:
    log = IncidentLog().take(event(0), came=0).take(event(9), came=9).take(event(4), came=10)

    assert [(one.alerts, one.expires_at) for one in log.open()] == [(3, minute(10 + 24 * 60))]


def test_an_ok_closes_a_one_off_event_before_its_end() -> None:
    assert IncidentLog().take_each([event(0), ok(5)]).rows() == [(0, 5, Change.RECOVERED, Level.OK, 2)]


def test_the_latest_alert_decides_whether_an_incident_ends_by_itself() -> None:
    log = IncidentLog().take(fires(0), came=0).take(event(5), came=5)
    assert [one.expires_at for one in log.open()] == [minute(5 + 24 * 60)]

    log.take_each([fires(9)])
    assert [one.expires_at for one in log.open()] == [None]
    log.take_each([event(7)])
    assert [one.expires_at for one in log.open()] == [None]


# events whose beginning and end carry the same time
def test_an_end_that_bears_the_moment_of_the_beginning_closes_it_in_either_order() -> None:
    begun, over = (replace(alert(state, 5), dated_once=True) for state in (State.ALERT, State.OK))

    for order in ([begun, over], [over, begun]):
        assert IncidentLog().take_each(order).rows() == [(5, 5, Change.RECOVERED, Level.OK, 2)]
    assert IncidentLog().take_each([replace(begun, at=minute(6)), over]).open()  # an end never closes a later beginning
