"""The words of notifications about the program itself: its log, its reach, and how an earlier run ended."""

from collections.abc import Sequence

from trayalert.domain.events import CallbackRefused, ReceptionResumed, UrlChanged
from trayalert.domain.gap import GapCause
from trayalert.domain.incident.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.text import as_sentence, printable
from trayalert.domain.times import Millis, as_datetime, duration_text
from trayalert.services.notify.incident_messages import FINAL_TIMEOUT, OPEN_WINDOW

LOG_TAG = "log"
REFUSED_TAG = "refused"
LOG_NEWS_TAG = "log-news"
LISTENER_TAG = "door"
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


def not_storing_notification(state: LogState, *, quiet: bool) -> Notification:
    """Tell that callbacks are refused; `quiet` where that is on the screen already, and only its reason changed."""
    return Notification(
        tag=LOG_TAG,
        level=Level.CRITICAL,
        title="trayalert cannot store alerts",
        lines=_lines(state.problems),
        button=OPEN_WINDOW,
        update_only=quiet,
    )


def storing_again_notification() -> Notification:
    """Tell that callbacks are stored again."""
    return Notification(
        tag=LOG_TAG,
        level=Level.OK,
        title="trayalert stores alerts again",
        lines=("What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing.",),
        button=OPEN_WINDOW,
        timeout=FINAL_TIMEOUT,
    )


def listener_closed_notification(problem: str) -> Notification:
    """Tell that no callback can come in."""
    return Notification(
        tag=LISTENER_TAG,
        level=Level.CRITICAL,
        title="trayalert is blind: no callback can arrive",
        lines=_lines((problem,)),
        button=OPEN_WINDOW,
    )


def listener_open_notification() -> Notification:
    """Tell that callbacks can come in again."""
    return Notification(
        tag=LISTENER_TAG,
        level=Level.OK,
        title="trayalert's door is open again",
        lines=("What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing.",),
        button=OPEN_WINDOW,
        timeout=FINAL_TIMEOUT,
    )


def refused_notification(refused: CallbackRefused) -> Notification:
    """Tell that what may have been an alert was refused."""
    return Notification(
        tag=f"{REFUSED_TAG} {refused.cause}",
        level=Level.WARN,
        title="A callback was refused",
        lines=_lines((refused.message,)),
        button=OPEN_WINDOW,
    )


def log_news_notification(news: Sequence[str]) -> Notification:
    """Tell what the log did by itself."""
    title = "What happened to trayalert's log"
    return Notification(tag=LOG_NEWS_TAG, level=Level.WARN, title=title, lines=_lines(news), button=OPEN_WINDOW)


def blind_notification(state: ReachabilityState, *, since: Millis) -> Notification:
    """Tell that the outside cannot reach us, and since when."""
    return Notification(
        tag=REACH_TAG,
        level=Level.CRITICAL,
        title=f"trayalert is blind since {_local_time(since)}",
        lines=_lines((state.why or "No callback can arrive.",)),
        button=OPEN_WINDOW,
    )


def reachable_notification(began: Millis, *, until: Millis) -> Notification:
    """Tell that callbacks get through again, and for how long they did not."""
    return Notification(
        tag=REACH_TAG,
        level=Level.OK,
        title="Callbacks get through again",
        lines=(
            f"trayalert was blind from {_local_time(began)} to {_local_time(until)} ({duration_text(until - began)}).",
            LOOK_INTO_HISTORY,
        ),
        button=OPEN_WINDOW,
        timeout=FINAL_TIMEOUT,
    )


def url_changed_notification(changed: UrlChanged) -> Notification:
    """Shout that the rules in the console lead nowhere now."""
    return Notification(
        tag=URL_TAG,
        level=Level.CRITICAL,
        title="The public address has changed",
        lines=_lines((f"It was {changed.before}, it is {changed.now}.", CHANGE_RULES)),
        button=OPEN_WINDOW,
    )


def returned_notification(returned: ReceptionResumed) -> Notification:
    """Tell of a gap that is over, and what came since."""
    gap = returned.gap
    ended_at = gap.ended_at or gap.began_at
    cause = "asleep" if gap.cause is GapCause.ASLEEP else "off"
    length = duration_text(ended_at - gap.began_at)
    return Notification(
        tag=GAP_TAG,
        level=Level.WARN if returned.firing else Level.INFO,
        title=f"trayalert was {cause} from {_local_time(gap.began_at)} to {_local_time(ended_at)} ({length})",
        lines=(_arrivals_text(returned), LOOK_INTO_HISTORY),
        button=OPEN_WINDOW,
    )


def _arrivals_text(returned: ReceptionResumed) -> str:
    if not returned.callbacks:
        return "No callback has come since."
    callbacks = "1 callback has" if returned.callbacks == 1 else f"{returned.callbacks:,} callbacks have"
    if not returned.opened:
        return f"{callbacks} come since; no incident was opened."
    incidents = "1 incident was" if returned.opened == 1 else f"{returned.opened:,} incidents were"
    firing = (
        "none of them burns"
        if not returned.firing
        else "it burns"
        if returned.opened == 1
        else f"{returned.firing} burn"
    )
    return f"{callbacks} come since; {incidents} opened, {firing}."


def no_tray_notification(explanation: str) -> Notification:
    """Tell once why there is no icon, and what to install."""
    return Notification(
        tag=TRAY_TAG,
        level=Level.INFO,
        title="This desktop shows no tray icons",
        lines=_lines((explanation,)),
        button=OPEN_WINDOW,
    )


def settings_notification(problems: Sequence[str]) -> Notification:
    """Tell what in the settings is not used: without a tunnel, say, nothing can arrive."""
    title = "The settings have a mistake" if len(problems) == 1 else f"The settings have {len(problems)} mistakes"
    return Notification(tag=SETTINGS_TAG, level=Level.WARN, title=title, lines=_lines(problems[:3]), button=OPEN_WINDOW)


def crash_notification(sentences: Sequence[str]) -> Notification:
    """Tell how an earlier run ended; of several only the last."""
    return Notification(
        tag=CRASH_TAG, level=Level.WARN, title="trayalert crashed", lines=_lines(sentences[-1:]), button=OPEN_WINDOW
    )


def _local_time(moment: Millis) -> str:
    """Write a moment in local time; with its day, as a gap may be long ago."""
    return f"{as_datetime(moment).astimezone():%m-%d %H:%M}"


def _lines(sentences: Sequence[str]) -> tuple[str, ...]:
    # faults are worded to stand behind the program's name; here they stand alone
    return tuple(printable(as_sentence(text), limit=400) for text in sentences)
