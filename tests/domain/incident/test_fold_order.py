"""A subject that is firing after its alerts in chronological order is firing after them in every order of arrival.

In chronological order, a subject is firing at the end if its latest alert is not an OK. If an OK and another alert have
the same time, the other alert counts.
"""

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.incident.incident_log import SUBJECT, IncidentLog, alert, minute
from trayalert.domain.incident.alert import Alert, State
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level

states = st.sampled_from([State.ALERT, State.ALERT, State.OK, State.INSUFFICIENT_DATA])
levels = st.sampled_from([Level.CRITICAL, Level.WARN, Level.INFO])


@st.composite
def streams(draw: st.DrawFn, *, distinct: bool = True, lost_data: bool = True) -> list[Alert]:
    """Generate alerts of one rule on one resource, without transId, in the order of their times."""
    times = sorted(draw(st.lists(st.integers(0, 12), unique=distinct, min_size=1, max_size=8)))
    some = states if lost_data else st.sampled_from([State.ALERT, State.OK])
    alerts = []
    for at in times:
        state = draw(some)
        alerts.append(alert(state, at, level=draw(levels) if state is State.ALERT else None))
    return alerts


@st.composite
def runs(draw: st.DrawFn) -> list[Alert]:
    """Generate runs of one rule on one resource, each with its transId: ALERTs, then an OK, which may be lost."""
    alerts: list[Alert] = []
    for number in range(draw(st.integers(1, 4))):
        key = f"run {number}"
        length = draw(st.integers(1, 3))
        alerts += [alert(State.ALERT, len(alerts) + place, key, level=draw(levels)) for place in range(length)]
        if draw(st.booleans()):
            alerts.append(alert(State.OK, len(alerts), key))
    return alerts


def arrive(alerts: list[Alert], data: st.DataObject) -> IncidentLog:
    """Fold the alerts in any order of arrival, some of them together in a group."""
    log = IncidentLog()
    waiting = data.draw(st.permutations(alerts))
    while waiting:
        size = data.draw(st.integers(1, len(waiting)))
        log.take(*waiting[:size])
        waiting = waiting[size:]
    return log


def is_firing_at_end(alerts: list[Alert]) -> bool:
    """Return whether the subject is firing after all these alerts. Computed without `fold`."""
    ends = [one.at or 0 for one in alerts if one.state is State.OK]
    return any((one.at or 0) >= max(ends, default=0) for one in alerts if one.state is not State.OK)


@given(alerts=streams(distinct=False), data=st.data())
def test_a_subject_burns_at_the_end_in_every_order_or_in_none(alerts: list[Alert], data: st.DataObject) -> None:
    log = arrive(alerts, data)

    assert len(log.open()) == is_firing_at_end(alerts)


@given(alerts=streams(lost_data=False), data=st.data())
def test_what_burns_at_the_end_has_the_level_and_moment_of_its_latest_alert(
    alerts: list[Alert], data: st.DataObject
) -> None:
    for one in arrive(alerts, data).open():
        latest = max((made for made in alerts if made.state is State.ALERT), key=lambda made: made.at or 0)
        assert (one.level, one.fired_at, one.last_at) == (latest.level, latest.at, latest.at)


@given(alerts=runs().filter(lambda alerts: alerts[-1].state is State.ALERT), data=st.data())
def test_a_last_run_that_has_not_ended_burns_in_every_order(alerts: list[Alert], data: st.DataObject) -> None:
    # The reverse need not hold: an incident may stay open after its run has ended, which is the safe side. An OK that
    # arrives before all ALERTs of its run may close the incident of another run, whose own OK was lost. The early OK
    # then cannot close the incident of its own run.
    assert alerts[-1].key in {incident.key for incident in arrive(alerts, data).open()}


@given(alerts=streams(distinct=False) | runs(), data=st.data())
def test_no_alert_is_lost_or_counted_twice(alerts: list[Alert], data: st.DataObject) -> None:
    log = arrive(alerts, data)

    assert sum(incident.alerts for incident in log.incidents.values()) == len(alerts) == len(log.changes)


@given(alerts=streams(distinct=False) | runs(), data=st.data())
def test_an_incident_makes_sense_whatever_arrives(alerts: list[Alert], data: st.DataObject) -> None:
    log = arrive(alerts, data)

    for one in log.incidents.values():
        assert (one.closed_at is None) == (one.closed_by is None) == one.open
        assert one.closed_at is None or one.opened_at <= one.closed_at
        assert one.ok_at is None or not one.open
        assert one.worst_level.rank >= one.level.rank
        assert one.fired_at is None or one.opened_at <= one.fired_at <= one.last_at
        assert 1 <= one.last_alert_id <= len(alerts)
        assert one.subject == SUBJECT
        if one.open:
            assert one.level is not Level.OK
    assert len(log.open()) <= 1 or len({one.key for one in log.open()}) == len(log.open())


@given(alerts=streams(), data=st.data())
def test_what_a_person_closed_stays_closed_only_until_the_next_alert(alerts: list[Alert], data: st.DataObject) -> None:
    log = arrive(alerts, data)
    for incident in log.open():
        log.resolve(incident.id, 20)
    assert not log.open()

    log.take(alert(State.ALERT, data.draw(st.integers(13, 30))))

    assert [one.opened_at >= minute(13) for one in log.open()] == [True]
    assert log.changes[-1] is Change.OPENED
