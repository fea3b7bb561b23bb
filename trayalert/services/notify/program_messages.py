"""The words of notifications about the program itself: its log, its reach, and how an earlier run ended."""

from collections.abc import Sequence

from trayalert.domain.events import CallbackRefused, Returned, UrlChanged
from trayalert.domain.gap import Cause
from trayalert.domain.incident.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notice
from trayalert.domain.reachability import ReachState
from trayalert.domain.text import printable, sentence
from trayalert.domain.times import Millis, as_datetime, duration_text
from trayalert.services.notify.incident_messages import FAREWELL_LASTS, OPEN_WINDOW

LOG_TAG = "log"
REFUSED_TAG = "refused"
LOG_NEWS_TAG = "log-news"
DOOR_TAG = "door"
CRASH_TAG = "crash"
SETTINGS_TAG = "settings"
REACH_TAG = "reach"
URL_TAG = "public-url"
GAP_TAG = "gap"
TRAY_TAG = "tray"

CHANGE_RULES = (
    "Copy the new callback URL from trayalert and put it into every rule in the console: until then their callbacks do "
    "not arrive."
)
LOOK_INTO_HISTORY = (
    "What Cloud Monitor sent meanwhile is lost, unless it was sent again: look into its alert history for that time."
)


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


def refused_notice(refused: CallbackRefused) -> Notice:
    """Tell that what may have been an alert was refused."""
    return Notice(
        tag=f"{REFUSED_TAG} {refused.cause}",
        level=Level.WARN,
        title="A callback was refused",
        lines=_lines((refused.sentence,)),
        action=OPEN_WINDOW,
    )


def log_news_notice(news: Sequence[str]) -> Notice:
    """Tell what the log did by itself."""
    title = "What happened to trayalert's log"
    return Notice(tag=LOG_NEWS_TAG, level=Level.WARN, title=title, lines=_lines(news), action=OPEN_WINDOW)


def blind_notice(state: ReachState, *, since: Millis) -> Notice:
    """Tell that the outside cannot reach us, and since when."""
    return Notice(
        tag=REACH_TAG,
        level=Level.CRITICAL,
        title=f"trayalert is blind since {_clock(since)}",
        lines=_lines((state.why or "No callback can arrive.",)),
        action=OPEN_WINDOW,
    )


def reached_notice(began: Millis, *, until: Millis) -> Notice:
    """Tell that callbacks get through again, and for how long they did not."""
    return Notice(
        tag=REACH_TAG,
        level=Level.OK,
        title="Callbacks get through again",
        lines=(
            f"trayalert was blind from {_clock(began)} to {_clock(until)} ({duration_text(until - began)}).",
            LOOK_INTO_HISTORY,
        ),
        action=OPEN_WINDOW,
        lasts=FAREWELL_LASTS,
    )


def url_changed_notice(changed: UrlChanged) -> Notice:
    """Shout that the rules in the console lead nowhere now."""
    return Notice(
        tag=URL_TAG,
        level=Level.CRITICAL,
        title="The public address has changed",
        lines=_lines((f"It was {changed.before}, it is {changed.now}.", CHANGE_RULES)),
        action=OPEN_WINDOW,
    )


def returned_notice(told: Returned) -> Notice:
    """Tell of a gap that is over, and what came since."""
    gap = told.gap
    ended_at = gap.ended_at or gap.began_at
    was = "asleep" if gap.cause is Cause.ASLEEP else "off"
    length = duration_text(ended_at - gap.began_at)
    return Notice(
        tag=GAP_TAG,
        level=Level.WARN if told.burning else Level.INFO,
        title=f"trayalert was {was} from {_clock(gap.began_at)} to {_clock(ended_at)} ({length})",
        lines=(_came(told), LOOK_INTO_HISTORY),
        action=OPEN_WINDOW,
    )


def _came(told: Returned) -> str:
    if not told.callbacks:
        return "No callback has come since."
    callbacks = "1 callback has" if told.callbacks == 1 else f"{told.callbacks:,} callbacks have"
    if not told.opened:
        return f"{callbacks} come since; no incident was opened."
    incidents = "1 incident was" if told.opened == 1 else f"{told.opened:,} incidents were"
    burning = "none of them burns" if not told.burning else "it burns" if told.opened == 1 else f"{told.burning} burn"
    return f"{callbacks} come since; {incidents} opened, {burning}."


def no_tray_notice(sentence_: str) -> Notice:
    """Tell once why there is no icon, and what to install."""
    return Notice(
        tag=TRAY_TAG,
        level=Level.INFO,
        title="This desktop shows no tray icons",
        lines=_lines((sentence_,)),
        action=OPEN_WINDOW,
    )


def settings_notice(problems: Sequence[str]) -> Notice:
    """Tell what in the settings is not used: without a tunnel, say, nothing can arrive."""
    title = "The settings have a mistake" if len(problems) == 1 else f"The settings have {len(problems)} mistakes"
    return Notice(tag=SETTINGS_TAG, level=Level.WARN, title=title, lines=_lines(problems[:3]), action=OPEN_WINDOW)


def crash_notice(sentences: Sequence[str]) -> Notice:
    """Tell how an earlier run ended; of several only the last."""
    return Notice(
        tag=CRASH_TAG, level=Level.WARN, title="trayalert crashed", lines=_lines(sentences[-1:]), action=OPEN_WINDOW
    )


def _clock(moment: Millis) -> str:
    """Write a moment in local time; with its day, as a gap may be long ago."""
    return f"{as_datetime(moment).astimezone():%m-%d %H:%M}"


def _lines(sentences: Sequence[str]) -> tuple[str, ...]:
    # faults are worded to stand behind the program's name; here they stand alone
    return tuple(printable(sentence(text), limit=400) for text in sentences)
