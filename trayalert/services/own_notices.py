"""The words of notifications about the program itself: its log, and how an earlier run ended."""

from collections.abc import Sequence

from trayalert.domain.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notice import Notice
from trayalert.domain.text import printable, sentence
from trayalert.services.notice_text import FAREWELL_LASTS, OPEN_WINDOW

LOG_TAG = "log"
LOG_NEWS_TAG = "log-news"
DOOR_TAG = "door"
CRASH_TAG = "crash"


def not_storing_notice(state: LogState, *, quiet: bool) -> Notice:
    """Tell that callbacks are refused; `quiet` where that is on the screen already, and only its reason changed."""
    return Notice(
        tag=LOG_TAG,
        level=Level.CRITICAL,
        title="trayalert cannot store alerts",
        lines=_lines(state.problems),
        action=OPEN_WINDOW,
        quiet=quiet,
    )


def storing_again_notice() -> Notice:
    """Tell that callbacks are stored again."""
    return Notice(
        tag=LOG_TAG,
        level=Level.OK,
        title="trayalert stores alerts again",
        lines=("What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing.",),
        action=OPEN_WINDOW,
        lasts=FAREWELL_LASTS,
    )


def door_shut_notice(problem: str) -> Notice:
    """Tell that no callback can come in."""
    return Notice(
        tag=DOOR_TAG,
        level=Level.CRITICAL,
        title="trayalert is blind: no callback can arrive",
        lines=_lines((problem,)),
        action=OPEN_WINDOW,
    )


def door_open_notice() -> Notice:
    """Tell that callbacks can come in again."""
    return Notice(
        tag=DOOR_TAG,
        level=Level.OK,
        title="trayalert's door is open again",
        lines=("What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing.",),
        action=OPEN_WINDOW,
        lasts=FAREWELL_LASTS,
    )


def log_news_notice(news: Sequence[str]) -> Notice:
    """Tell what the log did by itself."""
    title = "What happened to trayalert's log"
    return Notice(tag=LOG_NEWS_TAG, level=Level.WARN, title=title, lines=_lines(news), action=OPEN_WINDOW)


def crash_notice(sentences: Sequence[str]) -> Notice:
    """Tell how an earlier run ended; of several only the last."""
    return Notice(
        tag=CRASH_TAG, level=Level.WARN, title="trayalert crashed", lines=_lines(sentences[-1:]), action=OPEN_WINDOW
    )


def _lines(sentences: Sequence[str]) -> tuple[str, ...]:
    # faults are worded to stand behind the program's name; here they stand alone
    return tuple(printable(sentence(text), limit=400) for text in sentences)
