from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from trayalert.domain import events
from trayalert.domain.events import IncidentChanged, ListenerChanged, LogChanged, ProgramEvent
from trayalert.domain.incident.alert import UNRECOGNISED, Alert, Identity, Kind, State
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import (
    SUMMARY_TAG,
    TEST_TAG,
    Notification,
    NotificationRequest,
    ShowNotification,
    WithdrawNotification,
    incident_tag,
    tagged_incident,
)
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import as_datetime
from trayalert.domain.wording.language import Language
from trayalert.services.notify.notification_writer import NotificationWriter
from trayalert.services.notify.policy import (
    BURST,
    CRITICAL_RESERVE,
    REFILL_INTERVAL,
    NotificationPolicy,
)
from trayalert.services.notify.policy_requests import PolicyRequest
from trayalert.services.notify.program_messages import LOG_NEWS_TAG, LOG_TAG, crash_notification
from trayalert.services.notify.summary import SUMMARY_INTERVAL

NOW = 1_795_000_000_000
MINUTE = 60_000
PAGE = ConsoleLink(page="instance", title="Instance", url="https://ecs.console.aliyun.com/", grade="A")


def stored(number: int = 1, level: Level = Level.WARN, *, opened_at: int = NOW, **alert: Any) -> StoredIncident:
    incident = Incident(
        id=number, key=f"k{number}", subject="s", opened_at=opened_at, level=level, worst_level=level,
        last_at=opened_at, last_received_at=opened_at,
    )  # fmt: skip
    plain = Alert(
        kind=Kind("threshold"), identity=Identity(text="", timed=True), key=f"k{number}", subject="s",
        state=State.ALERT,
        level=level, name=f"rule {number}",
    )  # fmt: skip
    first = StoredAlert(
        id=number, received_at=opened_at, incident_id=number, deliveries=1, late=False, alert=replace(plain, **alert)
    )
    return StoredIncident(incident=incident, alert=first)


def closed(one: StoredIncident, by: Change, *, after: int = 12 * MINUTE, start_known: bool = True) -> StoredIncident:
    over = one.incident._replace(
        closed_at=one.incident.opened_at + after,
        closed_by=by,
        level=Level.OK,
        start_known=start_known,
    )
    return replace(one, incident=over)


class PolicyDriver:
    """A policy with a clock that the test sets."""

    def __init__(self, *, available: bool = True, language: Language = Language.EN) -> None:
        self.policy = NotificationPolicy(available=available)
        self.writer = NotificationWriter(
            links=lambda stored: (PAGE,) if stored.alert.alert.namespace else (), language=lambda: language
        )
        self.incidents: dict[int, StoredIncident] = {}
        self.now = NOW

    def change(self, change: Change, *incidents: StoredIncident) -> tuple[NotificationRequest, ...]:
        changed = [IncidentChanged(one.incident.id, change) for one in incidents]
        return self.change_together(changed, *incidents)

    def change_together(
        self, changed: Sequence[IncidentChanged], *incidents: StoredIncident
    ) -> tuple[NotificationRequest, ...]:
        self.incidents |= {one.incident.id: one for one in incidents}
        states = [one.incident for one in incidents]
        return self.write(self.policy.on_incidents_changed(changed, states, now=self.now))

    def on_program_event(self, event: ProgramEvent, *, now: int) -> tuple[NotificationRequest, ...]:
        return self.write(self.policy.on_program_event(event, now=now))

    def notify(self, notification: Notification, *, now: int) -> tuple[NotificationRequest, ...]:
        return self.write(self.policy.notify(notification, now=now))

    def set_available(self, available: bool, *, now: int) -> tuple[NotificationRequest, ...]:
        return self.write(self.policy.set_available(available, now=now))

    def pause(self, until: int | None, *, now: int) -> tuple[NotificationRequest, ...]:
        return self.write(self.policy.pause(until, now=now))

    def wait(self, length: int) -> tuple[NotificationRequest, ...]:
        self.now += length
        return self.write(self.policy.tick(now=self.now))

    def write(self, requests: Iterable[PolicyRequest]) -> tuple[NotificationRequest, ...]:
        """Return the notifications with their texts, as the dispatcher sends them to a channel that does not hang."""
        written = (self.writer.write(one, self.incidents.values(), now=self.now) for one in requests)
        return tuple(filter(None, written))


@pytest.fixture
def driver() -> PolicyDriver:
    return PolicyDriver()


def shown_notifications(requests: Iterable[NotificationRequest]) -> list[Notification]:
    return [request.notification for request in requests if isinstance(request, ShowNotification)]


def summary(requests: Iterable[NotificationRequest]) -> Notification | None:
    return next(
        (notification for notification in shown_notifications(requests) if notification.tag == SUMMARY_TAG), None
    )


def test_a_new_incident_is_told_with_all_that_a_person_asks_first(driver: PolicyDriver) -> None:
    one = stored(
        7, Level.CRITICAL, name="内存使用率过高", resource_name="web-01", resource_id="i-bp1", region="cn-hangzhou",
        metric="mem.of.ours", metric_title="内存使用率", value=97.39, value_text="97.39", unit="%",
        expression="$Average>=95", namespace="acs_ecs",
    )  # fmt: skip
    (notification,) = shown_notifications(driver.change(Change.OPENED, one))
    assert (notification.tag, notification.level) == ("incident-7", Level.CRITICAL)
    assert notification.title == "CRITICAL: 内存使用率过高"
    assert notification.lines[:2] == ("web-01 (i-bp1)", "内存使用率: 97.4 % (Average ≥ 95 %)")
    assert notification.lines[2].startswith("cn-hangzhou, since ")
    assert notification.button == "Open in console"


DISK: dict[str, Any] = {
    "name": "磁盘使用率过高", "resource_name": "db-02", "resource_id": "i-1", "region": "cn-hangzhou",
    "address": "10.0.0.22", "message": "the disk\nis nearly full", "dimensions": {"device": "/dev/vda1"},
    "metric_title": "磁盘使用率", "value": 96.0, "value_text": "96", "unit": "%", "expression": "$Average>=95",
}  # fmt: skip


def test_part_address_and_the_senders_own_words_are_told(driver: PolicyDriver) -> None:
    (notification,) = shown_notifications(driver.change(Change.OPENED, stored(1, **DISK)))
    assert notification.lines[:5] == (
        "db-02 (i-1), disk /dev/vda1",
        "10.0.0.22",
        "磁盘使用率: 96 % (Average ≥ 95 %)",
        "the disk",
        "is nearly full",
    )
    (known,) = shown_notifications(driver.change(Change.OPENED, stored(3, **{**DISK, "resource_id": "10.0.0.22:9100"})))
    assert "10.0.0.22" not in known.lines
    (long,) = shown_notifications(driver.change(Change.OPENED, stored(2, message="x" * 60_000)))
    assert max(map(len, long.lines)) <= 200
    (long,) = shown_notifications(driver.change(Change.OPENED, stored(4, message="满" * 60_000)))
    assert max(map(len, long.lines)) <= 80


def test_in_chinese_it_is_told_in_chinese() -> None:
    driver = PolicyDriver(language=Language.ZH)
    one = stored(1, Level.CRITICAL, previous_level=Level.WARN, **DISK)
    (notification,) = shown_notifications(driver.change(Change.LEVEL, one))
    assert notification.title == "严重：磁盘使用率过高"
    assert notification.lines[:3] == ("db-02（i-1），磁盘 /dev/vda1", "10.0.0.22", "磁盘使用率：96 %（平均值 ≥ 95 %）")
    assert notification.lines[5].startswith("cn-hangzhou，自 ")
    assert notification.lines[6] == "之前为警告"
    (request,) = driver.change(Change.RECOVERED, closed(one, Change.RECOVERED))
    assert isinstance(request, WithdrawNotification)
    assert request.final is not None
    assert request.final.title == "已恢复：磁盘使用率过高"
    assert request.final.lines[-1] == "持续 12 分钟"


def test_without_a_console_link_the_action_opens_the_program(driver: PolicyDriver) -> None:
    (notification,) = shown_notifications(driver.change(Change.OPENED, stored()))
    assert notification.button == "Open trayalert"


def test_a_new_level_is_told_in_the_same_place_and_a_repeat_is_not(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, stored())
    assert driver.change(Change.COUNTED, stored()) == ()
    assert driver.change(Change.LATE, stored()) == ()
    (notification,) = shown_notifications(
        driver.change(Change.LEVEL, stored(1, Level.CRITICAL, previous_level=Level.WARN))
    )
    assert (notification.tag, notification.level) == (incident_tag(1), Level.CRITICAL)
    assert "Was WARN" in notification.lines


def test_lost_data_is_told_as_such(driver: PolicyDriver) -> None:
    one = stored()
    one = replace(one, incident=one.incident._replace(no_data=True))
    (notification,) = shown_notifications(driver.change(Change.NO_DATA, one))
    assert notification.title == "NO DATA: rule 1"


def test_a_recovery_withdraws_with_a_short_farewell(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, stored())
    (request,) = driver.change(Change.RECOVERED, closed(stored(), Change.RECOVERED))
    assert isinstance(request, WithdrawNotification)
    assert request.final
    assert request.final.level is Level.OK
    assert request.final.lines[-1] == "After 12 min"
    assert request.final.timeout == 5_000


def test_a_recovery_with_unknown_start_does_not_make_one_up(driver: PolicyDriver) -> None:
    one = closed(stored(), Change.RECOVERED, start_known=False)
    (request,) = driver.change(Change.RECOVERED_UNKNOWN, one)
    assert isinstance(request, WithdrawNotification)
    assert request.final
    assert request.final.lines[-1] == "Its start is unknown"


@pytest.mark.parametrize("change", [Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED])
def test_other_ends_are_silent(driver: PolicyDriver, change: Change) -> None:
    driver.change(Change.OPENED, stored())
    assert driver.change(change, closed(stored(), change)) == (WithdrawNotification(incident_tag(1)),)
    assert driver.change(change, closed(stored(2), change)) == ()


def test_opened_and_recovered_in_one_batch_is_told_once_as_recovered(driver: PolicyDriver) -> None:
    events = [IncidentChanged(1, Change.OPENED), IncidentChanged(1, Change.RECOVERED)]
    requests = driver.change_together(events, closed(stored(), Change.RECOVERED))
    assert [type(request) for request in requests] == [WithdrawNotification]


def test_a_test_callback_is_answered_in_words(driver: PolicyDriver) -> None:
    (notification,) = shown_notifications(driver.on_program_event(events.TestReceived(NOW), now=NOW))
    assert (notification.tag, notification.title, notification.awaited) == (TEST_TAG, "Test callback received", True)
    assert any("stored" in line for line in notification.lines)


def test_a_test_callback_that_came_before_the_daemon_is_answered_once_it_is_there() -> None:
    driver = PolicyDriver(available=False)
    assert driver.on_program_event(events.TestReceived(NOW), now=NOW) == ()

    assert len(shown_notifications(driver.set_available(True, now=NOW + 200))) == 1
    assert driver.set_available(False, now=NOW + 300) == ()
    assert driver.set_available(True, now=NOW + 400) == ()


def test_a_test_callback_is_not_answered_when_nobody_waits_for_it_any_more() -> None:
    driver = PolicyDriver(available=False)
    driver.on_program_event(events.TestReceived(NOW), now=NOW)

    assert driver.set_available(True, now=NOW + 5 * MINUTE) == ()


def test_a_test_callback_is_answered_in_the_middle_of_a_flood(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *[stored(number) for number in range(1, 43)])

    assert [
        notification.tag
        for notification in shown_notifications(driver.on_program_event(events.TestReceived(NOW), now=NOW))
    ] == [TEST_TAG]


def test_what_is_not_understood_is_told_without_its_text(driver: PolicyDriver) -> None:
    (notification,) = shown_notifications(driver.change(Change.OPENED, stored(kind=UNRECOGNISED, name="<b>evil</b>")))
    assert notification.title == "WARN: Callback not understood"


def test_a_flood_becomes_one_summary_that_names_the_worst(driver: PolicyDriver) -> None:
    flood = [stored(number) for number in range(1, 43)]
    shown = shown_notifications(driver.change(Change.OPENED, *flood))
    assert [notification.tag for notification in shown] == [
        *(incident_tag(n) for n in range(1, BURST + 1)),
        SUMMARY_TAG,
    ]
    assert shown[-1].title == "37 more incidents, worst WARN"
    assert shown[-1].lines == ("WARN: rule 6", "WARN: rule 7", "WARN: rule 8", "and 34 more")
    assert shown[-1].button == "Open trayalert"


def test_critical_goes_before_others_and_through_a_flood_of_them(driver: PolicyDriver) -> None:
    warnings = [stored(number) for number in range(100)]
    shown = shown_notifications(driver.change(Change.OPENED, *warnings, stored(200, Level.CRITICAL)))
    assert shown[0].tag == incident_tag(200)
    later = shown_notifications(driver.change(Change.OPENED, *(stored(n, Level.CRITICAL) for n in range(300, 320))))
    assert [notification.tag for notification in later] == [incident_tag(n) for n in range(300, 300 + CRITICAL_RESERVE)]
    assert driver.policy.due == NOW + SUMMARY_INTERVAL
    late = summary(driver.wait(SUMMARY_INTERVAL))
    assert late
    assert late.title == f"{96 + 20 - CRITICAL_RESERVE} more incidents, worst CRITICAL"


def test_after_a_rest_the_next_incident_is_told_by_itself_again(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *(stored(number) for number in range(20)))
    driver.now += REFILL_INTERVAL
    shown = shown_notifications(driver.change(Change.OPENED, stored(50)))
    assert [notification.tag for notification in shown] == [incident_tag(50)]


def test_the_summary_changes_no_more_than_once_a_second(driver: PolicyDriver) -> None:
    shown = 0
    for number in range(1_000):
        driver.now += 10
        shown += summary(driver.change(Change.OPENED, stored(number))) is not None
    assert shown <= 11


def test_the_summary_shrinks_quietly_and_goes_with_its_last_incident(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *(stored(number) for number in range(BURST + 2)))
    held = [closed(stored(number), Change.RECOVERED) for number in (BURST, BURST + 1)]
    assert driver.change(Change.RECOVERED, held[0]) == ()
    shrunk = summary(driver.wait(SUMMARY_INTERVAL))
    assert shrunk
    assert (shrunk.update_only, shrunk.title) == (True, "1 more incident, WARN")
    driver.change(Change.RECOVERED, held[1])
    assert driver.wait(SUMMARY_INTERVAL) == (WithdrawNotification(SUMMARY_TAG),)
    assert driver.policy.due is None


def test_a_look_into_the_window_ends_the_summary(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *(stored(number) for number in range(BURST + 2)))
    driver.policy.on_window_seen()
    assert driver.policy.due is None
    driver.now += REFILL_INTERVAL
    driver.change(Change.OPENED, stored(50))
    later = summary(driver.change(Change.OPENED, stored(51)))
    assert later
    assert later.title == "1 more incident, WARN"


def test_what_is_on_the_screen_is_never_left_untrue_by_a_flood(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *(stored(number) for number in range(BURST)))
    requests = driver.change(Change.LEVEL, stored(0, Level.INFO))
    assert requests[0] == WithdrawNotification(incident_tag(0))
    assert summary(requests)


def test_a_pause_shows_nothing_but_goes_on_withdrawing(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, stored(1))
    assert driver.pause(NOW + 30 * MINUTE, now=NOW) == ()
    assert driver.change(Change.OPENED, stored(2), stored(3)) == ()
    assert driver.on_program_event(events.TestReceived(NOW), now=NOW) == ()
    assert driver.change(Change.RECOVERED, closed(stored(1), Change.RECOVERED)) == (
        WithdrawNotification(incident_tag(1)),
    )


def test_after_a_pause_one_summary_tells_what_still_burns(driver: PolicyDriver) -> None:
    driver.pause(NOW + 30 * MINUTE, now=NOW)
    driver.change(Change.OPENED, *(stored(number) for number in range(1, 5)))
    driver.change(Change.RECOVERED, closed(stored(1), Change.RECOVERED))
    assert driver.policy.due == NOW + 30 * MINUTE
    shown = shown_notifications(driver.wait(30 * MINUTE))
    assert [notification.title for notification in shown] == ["3 more incidents, worst WARN"]


def test_a_pause_can_be_ended_early(driver: PolicyDriver) -> None:
    driver.pause(NOW + 30 * MINUTE, now=NOW)
    driver.change(Change.OPENED, stored(1), stored(2))
    assert summary(driver.pause(None, now=NOW + MINUTE))


def test_a_daemon_that_comes_back_gets_one_summary_of_what_opened_meanwhile() -> None:
    driver = PolicyDriver(available=False)
    assert driver.change(Change.OPENED, *(stored(number) for number in range(1, 4))) == ()
    assert driver.policy.due is None
    shown = shown_notifications(driver.set_available(True, now=NOW))
    assert [notification.title for notification in shown] == ["3 more incidents, worst WARN"]
    assert driver.set_available(True, now=NOW) == ()


def test_a_single_missed_incident_is_told_as_itself() -> None:
    driver = PolicyDriver(available=False)
    driver.change(Change.OPENED, stored(9))
    shown = shown_notifications(driver.set_available(True, now=NOW))
    assert [notification.tag for notification in shown] == [incident_tag(9)]


def test_no_item_of_a_hostile_text_poses_as_a_line_of_its_own(driver: PolicyDriver) -> None:
    one = stored(name="a\nRecovered\u202e", resource_name="x\r\ny", metric="m" * 5_000)
    (notification,) = shown_notifications(driver.change(Change.OPENED, one))
    assert notification.title == "WARN: a Recovered"
    assert notification.lines[0] == "x y"
    assert len(notification.lines) == 3
    assert all(len(line) <= 300 for line in notification.lines)


def test_a_tag_names_its_incident() -> None:
    assert tagged_incident(incident_tag(12)) == 12
    assert tagged_incident(SUMMARY_TAG) is None
    assert tagged_incident("incident-") is None
    assert tagged_incident("incident-x") is None


# ---- notifications about the program itself

FULL = LogState(storing=False, problems=("The disk is full.",))


def test_that_nothing_can_be_stored_is_told_once_and_urgently(driver: PolicyDriver) -> None:
    (shown,) = driver.on_program_event(LogChanged(FULL), now=NOW)
    assert isinstance(shown, ShowNotification)
    assert (shown.notification.level, shown.notification.title) == (Level.CRITICAL, "trayalert cannot store alerts")
    assert shown.notification.lines == ("The disk is full.",)
    assert driver.on_program_event(LogChanged(FULL), now=NOW) == ()


def test_another_reason_only_changes_what_is_on_the_screen(driver: PolicyDriver) -> None:
    driver.on_program_event(LogChanged(FULL), now=NOW)
    (shown,) = shown_notifications(
        driver.on_program_event(LogChanged(replace(FULL, problems=("It is locked.",))), now=NOW)
    )
    assert (shown.tag, shown.lines, shown.update_only) == (LOG_TAG, ("It is locked.",), True)


def test_when_it_stores_again_the_notification_goes_with_a_farewell(driver: PolicyDriver) -> None:
    driver.on_program_event(LogChanged(FULL), now=NOW)
    (request,) = driver.on_program_event(LogChanged(LogState()), now=NOW)
    assert isinstance(request, WithdrawNotification)
    assert (request.tag, request.final and request.final.title) == (LOG_TAG, "trayalert stores alerts again")


def test_a_door_that_is_shut_is_told_once_and_its_opening_too(driver: PolicyDriver) -> None:
    (shown,) = driver.on_program_event(ListenerChanged("127.0.0.1", 8765, "the port is taken."), now=NOW)
    assert isinstance(shown, ShowNotification)
    assert (shown.notification.level, shown.notification.lines) == (Level.CRITICAL, ("The port is taken.",))
    assert driver.on_program_event(ListenerChanged("127.0.0.1", 8765, "the port is taken."), now=NOW) == ()
    (request,) = driver.on_program_event(ListenerChanged("127.0.0.1", 8765, None), now=NOW)
    assert isinstance(request, WithdrawNotification)
    assert request.tag == shown.tag
    assert driver.on_program_event(ListenerChanged("127.0.0.1", 8765, None), now=NOW) == ()


def test_a_door_that_opened_before_anything_could_be_shown_is_no_news() -> None:
    driver = PolicyDriver(available=False)
    assert driver.on_program_event(ListenerChanged("127.0.0.1", 8765, "the port is taken."), now=NOW) == ()
    assert driver.on_program_event(ListenerChanged("127.0.0.1", 8765, None), now=NOW) == ()
    assert driver.set_available(True, now=NOW) == ()


def test_what_was_never_told_is_not_taken_back() -> None:
    driver = PolicyDriver(available=False)
    assert driver.on_program_event(LogChanged(FULL), now=NOW) == ()
    assert driver.on_program_event(LogChanged(LogState()), now=NOW) == ()
    assert driver.set_available(True, now=NOW) == ()


def test_it_is_told_as_soon_as_anything_can_be_shown() -> None:
    driver = PolicyDriver(available=False)
    driver.on_program_event(LogChanged(FULL), now=NOW)
    (shown,) = shown_notifications(driver.set_available(True, now=NOW))
    assert shown.tag == LOG_TAG


def test_a_pause_holds_it_back_and_then_it_is_told(driver: PolicyDriver) -> None:
    driver.pause(NOW + MINUTE, now=NOW)
    assert driver.on_program_event(LogChanged(FULL), now=NOW) == ()
    assert driver.policy.due == NOW + MINUTE
    assert [notification.tag for notification in shown_notifications(driver.wait(MINUTE))] == [LOG_TAG]
    assert driver.policy.due is None


def test_each_news_of_the_log_is_told_once(driver: PolicyDriver) -> None:
    news = LogState(news=("3 of 4 callbacks were salvaged.",), new_file=1)
    (shown,) = shown_notifications(driver.on_program_event(LogChanged(news), now=NOW))
    assert (shown.tag, shown.lines) == (LOG_NEWS_TAG, news.news)
    assert driver.on_program_event(LogChanged(replace(news, problems=("A backup failed.",))), now=NOW) == ()


def test_a_crash_is_told_even_in_a_flood(driver: PolicyDriver) -> None:
    driver.change(Change.OPENED, *(stored(number) for number in range(50)))
    (shown,) = shown_notifications(driver.notify(crash_notification(["trayalert crashed."]), now=NOW))
    assert shown.lines == ("trayalert crashed.",)


def test_what_was_made_without_a_language_is_said_in_that_of_the_person() -> None:
    language = Language.ZH
    writer = NotificationWriter(links=lambda _: (), language=lambda: language)
    hostile = Phrase("After {duration}", duration="3\n\u202e<b>min")
    notification = Notification(
        tag="x",
        level=Level.WARN,
        title=Phrase("Recovered"),
        lines=(hostile, "the sender's own"),
        button=Phrase("unknown"),
        more_buttons=(("disk", Phrase("Several metrics")),),
    )
    shown, withdrawn = ShowNotification(notification), WithdrawNotification("x", notification)

    written = writer.write(shown, (), now=NOW)
    assert isinstance(written, ShowNotification)
    chinese = written.notification
    assert (chinese.title, chinese.button, chinese.more_buttons) == ("已恢复", "未知", (("disk", "多指标"),))
    assert chinese.lines == ("持续 3 <b>min", "the sender's own")
    assert writer.write(withdrawn, (), now=NOW) == WithdrawNotification("x", chinese)
    language = Language.EN
    assert writer.write(shown, (), now=NOW) == ShowNotification(
        replace(notification, lines=("After 3 <b>min", "the sender's own"))
    )


def test_the_start_is_told_with_its_date_if_it_is_not_of_today(driver: PolicyDriver) -> None:
    (today,) = shown_notifications(driver.change(Change.OPENED, stored(1)))
    driver.now += 48 * 60 * MINUTE
    (later,) = shown_notifications(driver.change(Change.OPENED, stored(2)))
    opened_at = as_datetime(NOW).astimezone()
    assert today.lines[-1] == f"Since {opened_at:%H:%M}"
    assert later.lines[-1] == f"Since {opened_at:%m-%d %H:%M}"
