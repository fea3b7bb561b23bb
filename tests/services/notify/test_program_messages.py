"""Every notification about the program itself passes a translation, and is cleaned after that."""

import pytest

from tests.pseudo import has_word, outside_brackets
from trayalert.domain.events import CallbackRefused, ReceptionResumed, UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.wording.language import Language
from trayalert.services.notify import program_messages as messages
from trayalert.services.notify.notification_writer import render_notification

NOW = 1_795_000_000_000
MINUTE = 60_000
WHY = Phrase("This computer has no network: nothing can come in until it is connected.")


def resumed(cause: GapCause, length: int, callbacks: int, opened: int, firing: int) -> Notification:
    gap = Gap(id=1, cause=cause, began_at=NOW - length, ended_at=NOW)
    return messages.returned_notification(
        ReceptionResumed(gap=gap, callbacks=callbacks, opened=opened, firing=firing), now=NOW
    )


NOTIFICATIONS = [
    messages.not_storing_notification(LogState(storing=False, problems=(WHY,)), quiet=False),
    messages.storing_again_notification(),
    messages.listener_closed_notification(WHY),
    messages.listener_open_notification(),
    messages.refused_notification(CallbackRefused(cause="slow", message=WHY)),
    messages.log_news_notification([WHY, WHY]),
    messages.blind_notification(ReachabilityState(reach=Reachability.BLIND, why=WHY), since=NOW - MINUTE, now=NOW),
    messages.blind_notification(ReachabilityState(reach=Reachability.BLIND), since=NOW - MINUTE, now=NOW),
    messages.reachable_notification(NOW - 5 * MINUTE, until=NOW, now=NOW),
    messages.reachable_notification(NOW - MINUTE // 2, until=NOW, now=NOW),
    messages.url_changed_notification(UrlChanged(before="https://a.example.com", now="https://b.example.com")),
    messages.no_tray_notification(WHY),
    messages.settings_notification([WHY]),
    messages.settings_notification([WHY, WHY]),
    messages.crash_notification([WHY]),
    *(
        resumed(cause, length, *counts)
        for cause in (GapCause.OFF, GapCause.ASLEEP)
        for length in (2000, 5 * MINUTE)
        for counts in ((0, 0, 0), (1, 0, 0), (2, 1, 0), (2, 1, 1), (3, 2, 0), (3, 2, 1), (3, 2, 2))
    ),
]


@pytest.mark.parametrize("notification", NOTIFICATIONS, ids=lambda each: each.title)
def test_every_notification_passes_a_translation(notification: Notification, pseudo_language: Language) -> None:
    shown = render_notification(notification, pseudo_language)
    texts = [shown.title, *shown.lines, shown.button, *(label for _, label in shown.more_buttons)]

    assert [text for text in texts if has_word(outside_brackets(text))] == []


def test_a_span_that_is_shorter_than_a_minute_is_named_by_its_length() -> None:
    assert resumed(GapCause.OFF, 2000, 0, 0, 0).title == "trayalert was off for 2 s"
    assert "for" not in resumed(GapCause.OFF, 5 * MINUTE, 0, 0, 0).title
