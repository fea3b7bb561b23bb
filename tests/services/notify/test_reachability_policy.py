"""Being blind is told when it lasts, once, and that it is over; never twice for one cause."""

from dataclasses import dataclass, field

import pytest

from trayalert.domain.events import Returned, UrlChanged
from trayalert.domain.gap import Cause, Gap
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notice, Show, Wish, Withdraw
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.times import as_datetime
from trayalert.domain.wording.language import Language
from trayalert.services.notify.policy import Attention
from trayalert.services.notify.program_messages import REACH_TAG, URL_TAG, returned_notice
from trayalert.services.notify.reachability_policy import PATIENCE

NOW = 1_795_000_000_000
SECOND, MINUTE = 1000, 60_000
WHY = "Nobody answers at alerts.example.com."


def attention(*, available: bool = True) -> Attention:
    return Attention(linked=lambda _: False, language=Language.EN, available=available)


@dataclass
class Told:
    """What attention wishes over time; it is called when it wants to be, as the program does."""

    attention: Attention = field(default_factory=attention)
    now: int = NOW

    def reach(self, reach: Reach, *, since: int | None = None, why: str | None = None) -> tuple[Wish, ...]:
        state = ReachState(reach=reach, since=self.now if since is None else since, why=why)
        return self.attention.reach_changed(state, now=self.now)

    def blind(self, since: int | None = None) -> tuple[Wish, ...]:
        return self.reach(Reach.BLIND, since=since, why=WHY)

    def wait(self, length: int) -> tuple[Wish, ...]:
        """Let time go by, up to the moment at which it wants to be called."""
        until = self.now + length
        due = self.attention.due
        if due is None or due > until:
            self.now = until
            return ()
        self.now = max(self.now, due)
        wishes = self.attention.tick(now=self.now)
        self.now = until
        return wishes


def the_notice(wishes: tuple[Wish, ...]) -> Notice:
    (wish,) = wishes
    assert isinstance(wish, Show)
    return wish.notice


def clock(moment: int) -> str:
    return f"{as_datetime(moment).astimezone():%m-%d %H:%M}"


def test_being_blind_for_two_minutes_is_told_once_with_its_begin_and_its_reason() -> None:
    desk = Told()
    assert desk.blind() == ()
    assert desk.wait(PATIENCE - 1) == ()
    notice = the_notice(desk.wait(1))
    assert (notice.tag, notice.title) == (REACH_TAG, f"trayalert is blind since {clock(NOW)}")
    assert notice.lines == (WHY,)
    assert desk.blind(since=NOW) == desk.wait(60 * MINUTE) == ()


def test_what_is_over_sooner_disturbs_nobody() -> None:
    desk = Told()
    desk.blind()
    assert desk.wait(PATIENCE - 1) == ()
    assert desk.reach(Reach.REACHABLE) == ()
    assert desk.wait(60 * MINUTE) == ()


def test_the_return_is_told_with_how_long_it_was() -> None:
    desk = Told()
    desk.blind()
    desk.wait(20 * MINUTE)
    assert desk.reach(Reach.UNKNOWN) == (), "whether it is over is not known"
    (wish,) = desk.reach(Reach.REACHABLE)
    assert isinstance(wish, Withdraw)
    assert wish.farewell is not None
    assert f"from {clock(NOW)} to {clock(desk.now)} (20 min)" in wish.farewell.lines[0]
    desk.blind()
    assert the_notice(desk.wait(PATIENCE)), "the next time is told again"


def test_a_shut_door_and_a_full_disk_are_not_told_twice() -> None:
    for elsewhere in ("door", "log"):
        desk = Told()
        if elsewhere == "door":
            desk.attention.door_changed("The port is taken.", now=desk.now)
        else:
            desk.attention.log_changed(LogState(storing=False, problems=("The disk is full.",)), now=desk.now)
        desk.blind()
        assert not any(wish.tag == REACH_TAG for wish in desk.wait(60 * MINUTE))


def test_what_could_not_be_shown_before_it_was_over_is_no_news() -> None:
    desk = Told(attention(available=False))
    desk.blind()
    desk.now += 20 * MINUTE
    assert desk.attention.tick(now=desk.now) == ()
    assert desk.reach(Reach.REACHABLE) == ()
    assert desk.attention.set_available(True, now=desk.now) == ()


def test_another_public_address_is_shouted_until_the_person_knows() -> None:
    desk = Told()
    before, after = "https://one.trycloudflare.com", "https://two.trycloudflare.com"
    notice = the_notice(desk.attention.url_changed(UrlChanged(before, after), now=NOW))
    assert (notice.tag, before in notice.lines[0], after in notice.lines[0]) == (URL_TAG, True, True)
    assert "every rule" in notice.lines[1]
    assert desk.attention.url_changed(UrlChanged(after, after), now=NOW) == (Withdraw(URL_TAG),)


@pytest.mark.parametrize(
    ("callbacks", "opened", "burning", "words"),
    [
        (0, 0, 0, "No callback has come since."),
        (1, 0, 0, "1 callback has come since; no incident was opened."),
        (3, 1, 1, "3 callbacks have come since; 1 incident was opened, it burns."),
        (1200, 40, 0, "1,200 callbacks have come since; 40 incidents were opened, none of them burns."),
        (5, 3, 2, "5 callbacks have come since; 3 incidents were opened, 2 burn."),
    ],
)
def test_a_gap_is_told_with_what_came_since(callbacks: int, opened: int, burning: int, words: str) -> None:
    gap = Gap(id=1, cause=Cause.ASLEEP, began_at=NOW, ended_at=NOW + 8 * 60 * MINUTE)
    notice = returned_notice(Returned(gap, callbacks, opened, burning))
    assert notice.title == f"trayalert was asleep from {clock(NOW)} to {clock(gap.ended_at or 0)} (8 h)"
    assert notice.lines[0] == words
    assert "alert history" in notice.lines[1]
