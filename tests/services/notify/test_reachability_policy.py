"""A long blind period and its end are each notified once. No cause is notified twice."""

from dataclasses import dataclass, field

import pytest

from trayalert.domain.events import ListenerChanged, LogChanged, ReachabilityChanged, ReceptionResumed, UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification, ShowNotification, WithdrawNotification
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import as_datetime, moment_text
from trayalert.services.notify.policy import NotificationPolicy
from trayalert.services.notify.policy_requests import PolicyRequest
from trayalert.services.notify.program_messages import REACH_TAG, URL_TAG, returned_notification
from trayalert.services.notify.reachability_policy import PATIENCE

NOW = 1_795_000_000_000
SECOND, MINUTE = 1000, 60_000
WHY = "Nobody answers at alerts.example.com."


def make_policy(*, available: bool = True) -> NotificationPolicy:
    return NotificationPolicy(available=available)


@dataclass
class ReachabilityDriver:
    """Drives a policy through events and time, and calls `tick` when the policy asks for it, as the program does."""

    policy: NotificationPolicy = field(default_factory=make_policy)
    now: int = NOW

    def reach(
        self, reach: Reachability, *, since: int | None = None, why: str | None = None
    ) -> tuple[PolicyRequest, ...]:
        state = ReachabilityState(reach=reach, since=self.now if since is None else since, why=why)
        return self.policy.on_program_event(ReachabilityChanged(state), now=self.now)

    def blind(self, since: int | None = None) -> tuple[PolicyRequest, ...]:
        return self.reach(Reachability.BLIND, since=since, why=WHY)

    def wait(self, length: int) -> tuple[PolicyRequest, ...]:
        """Advance the clock by `length`, and call `tick` if the policy is due within that time."""
        until = self.now + length
        due = self.policy.due
        if due is None or due > until:
            self.now = until
            return ()
        self.now = max(self.now, due)
        requests = self.policy.tick(now=self.now)
        self.now = until
        return requests


def only_notification(requests: tuple[PolicyRequest, ...]) -> Notification:
    (request,) = requests
    assert isinstance(request, ShowNotification)
    return request.notification


def clock(moment: int, now: int) -> str:
    return moment_text(moment, now=now)


def test_being_blind_for_two_minutes_is_told_once_with_its_begin_and_its_reason() -> None:
    driver = ReachabilityDriver()
    assert driver.blind() == ()
    assert driver.wait(PATIENCE - 1) == ()
    notification = only_notification(driver.wait(1))
    assert (notification.tag, notification.title) == (REACH_TAG, f"trayalert is blind since {clock(NOW, driver.now)}")
    assert notification.lines == (WHY,)
    assert driver.blind(since=NOW) == driver.wait(60 * MINUTE) == ()


def test_what_is_over_sooner_disturbs_nobody() -> None:
    driver = ReachabilityDriver()
    driver.blind()
    assert driver.wait(PATIENCE - 1) == ()
    assert driver.reach(Reachability.REACHABLE) == ()
    assert driver.wait(60 * MINUTE) == ()


def test_the_return_is_told_with_how_long_it_was() -> None:
    driver = ReachabilityDriver()
    driver.blind()
    driver.wait(20 * MINUTE)
    assert driver.reach(Reachability.UNKNOWN) == (), "whether it is over is not known"
    (request,) = driver.reach(Reachability.REACHABLE)
    assert isinstance(request, WithdrawNotification)
    assert request.final is not None
    assert f"from {clock(NOW, driver.now)} to {clock(driver.now, driver.now)} (20 min)" in request.final.lines[0]
    driver.blind()
    assert only_notification(driver.wait(PATIENCE)), "the next time is told again"


def test_a_shut_door_and_a_full_disk_are_not_told_twice() -> None:
    for elsewhere in ("door", "log"):
        driver = ReachabilityDriver()
        if elsewhere == "door":
            driver.policy.on_program_event(ListenerChanged("127.0.0.1", 8765, "The port is taken."), now=driver.now)
        else:
            driver.policy.on_program_event(
                LogChanged(LogState(storing=False, problems=("The disk is full.",))), now=driver.now
            )
        driver.blind()
        assert not any(request.tag == REACH_TAG for request in driver.wait(60 * MINUTE))


def test_what_could_not_be_shown_before_it_was_over_is_no_news() -> None:
    driver = ReachabilityDriver(make_policy(available=False))
    driver.blind()
    driver.now += 20 * MINUTE
    assert driver.policy.tick(now=driver.now) == ()
    assert driver.reach(Reachability.REACHABLE) == ()
    assert driver.policy.set_available(True, now=driver.now) == ()


def test_another_public_address_is_shouted_until_the_person_knows() -> None:
    driver = ReachabilityDriver()
    before, after = "https://one.trycloudflare.com", "https://two.trycloudflare.com"
    notification = only_notification(driver.policy.on_program_event(UrlChanged(before, after), now=NOW))
    assert (notification.tag, before in notification.lines[0], after in notification.lines[0]) == (URL_TAG, True, True)
    assert "every rule" in notification.lines[1]
    assert driver.policy.on_program_event(UrlChanged(after, after), now=NOW) == (WithdrawNotification(URL_TAG),)


@pytest.mark.parametrize(
    ("callbacks", "opened", "firing", "text"),
    [
        (0, 0, 0, "No callback has come since."),
        (1, 0, 0, "1 callback has come since; no incident was opened."),
        (3, 1, 1, "3 callbacks have come since; 1 incident was opened, it burns."),
        (1200, 40, 0, "1,200 callbacks have come since; 40 incidents were opened, none of them burns."),
        (5, 3, 2, "5 callbacks have come since; 3 incidents were opened, 2 burn."),
    ],
)
def test_a_gap_is_told_with_what_came_since(callbacks: int, opened: int, firing: int, text: str) -> None:
    end = NOW + 8 * 60 * MINUTE
    gap = Gap(id=1, cause=GapCause.ASLEEP, began_at=NOW, ended_at=end)
    notification = returned_notification(ReceptionResumed(gap, callbacks, opened, firing), now=end)
    assert notification.title == f"trayalert was asleep from {clock(NOW, end)} to {clock(end, end)} (8 h)"
    assert notification.lines[0] == text
    assert "alert history" in notification.lines[1]


@pytest.mark.parametrize(("cause", "word"), [(GapCause.OFF, "off"), (GapCause.ASLEEP, "asleep")])
def test_a_short_gap_is_told_by_its_length(cause: GapCause, word: str) -> None:
    gap = Gap(id=1, cause=cause, began_at=NOW, ended_at=NOW + 45 * SECOND)
    notification = returned_notification(ReceptionResumed(gap, 0, 0, 0), now=NOW + MINUTE)
    assert notification.title == f"trayalert was {word} for 45 s"


def test_a_time_of_another_day_is_told_with_its_date() -> None:
    tomorrow = NOW + 24 * 60 * MINUTE
    notification = returned_notification(
        ReceptionResumed(Gap(id=1, cause=GapCause.OFF, began_at=NOW, ended_at=tomorrow), 0, 0, 0), now=tomorrow
    )
    began_at = as_datetime(NOW).astimezone()
    assert notification.title == f"trayalert was off from {began_at:%m-%d %H:%M} to {began_at:%H:%M} (1 d)"
