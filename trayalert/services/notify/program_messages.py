"""The texts of notifications about the program itself, such as its log, its reachability and earlier crashes."""

from collections.abc import Sequence

from trayalert.domain.events import CallbackRefused, ReceptionResumed, UrlChanged
from trayalert.domain.gap import GapCause
from trayalert.domain.incident.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification
from trayalert.domain.phrase import as_sentence
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, duration_text, local_text
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
_SENT_AGAIN = "What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing."
LOOK_INTO_HISTORY = (
    "What Cloud Monitor sent meanwhile is lost, unless it was sent again: look into its alert history for that time."
)


def not_storing_notification(state: LogState, *, quiet: bool) -> Notification:
    """Return a notification saying that callbacks are refused because they cannot be stored.

    If `quiet` is true, the notification only updates an earlier notification that is still on the screen. The caller
    sets `quiet` if only the reason has changed.
    """
    return _notification(LOG_TAG, Level.CRITICAL, "trayalert cannot store alerts", *state.problems, quiet=quiet)


def storing_again_notification() -> Notification:
    """Return a notification saying that storing callbacks works again."""
    return _notification(LOG_TAG, Level.OK, "trayalert stores alerts again", _SENT_AGAIN, final=True)


def listener_closed_notification(problem: str) -> Notification:
    """Return a notification saying that no callback can arrive, because the listener is closed."""
    return _notification(LISTENER_TAG, Level.CRITICAL, "trayalert is blind: no callback can arrive", problem)


def listener_open_notification() -> Notification:
    """Return a notification saying that the listener is open again."""
    return _notification(LISTENER_TAG, Level.OK, "trayalert's door is open again", _SENT_AGAIN, final=True)


def refused_notification(refused: CallbackRefused) -> Notification:
    """Return a notification saying that trayalert refused a request that may have been an alert."""
    return _notification(f"{REFUSED_TAG} {refused.cause}", Level.WARN, "A callback was refused", refused.message)


def log_news_notification(news: Sequence[str]) -> Notification:
    """Return a notification with the news about the log, such as the result of a salvage."""
    return _notification(LOG_NEWS_TAG, Level.WARN, "What happened to trayalert's log", *news)


def blind_notification(state: ReachabilityState, *, since: Millis) -> Notification:
    """Return a notification saying since when and why Cloud Monitor cannot reach this computer."""
    title = f"trayalert is blind since {_local_time(since)}"
    return _notification(REACH_TAG, Level.CRITICAL, title, state.why or "No callback can arrive.")


def reachable_notification(began: Millis, *, until: Millis) -> Notification:
    """Return a notification saying that callbacks arrive again, and when the blind span began and ended."""
    span = f"from {_local_time(began)} to {_local_time(until)} ({duration_text(until - began)})"
    lines = f"trayalert was blind {span}.", LOOK_INTO_HISTORY
    return _notification(REACH_TAG, Level.OK, "Callbacks get through again", *lines, final=True)


def url_changed_notification(changed: UrlChanged) -> Notification:
    """Return a notification saying that the public address has changed.

    After the change, the callback URL in the console's rules is no longer valid.
    """
    lines = f"It was {changed.before}, it is {changed.now}.", CHANGE_RULES
    return _notification(URL_TAG, Level.CRITICAL, "The public address has changed", *lines)


def returned_notification(returned: ReceptionResumed) -> Notification:
    """Return a notification saying that a gap has ended, and what has arrived after the gap."""
    gap = returned.gap
    ended_at = gap.ended_at or gap.began_at
    cause = "asleep" if gap.cause is GapCause.ASLEEP else "off"
    length = duration_text(ended_at - gap.began_at)
    level = Level.WARN if returned.firing else Level.INFO
    title = f"trayalert was {cause} from {_local_time(gap.began_at)} to {_local_time(ended_at)} ({length})"
    return _notification(GAP_TAG, level, title, _arrivals_text(returned), LOOK_INTO_HISTORY)


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
    """Return a notification that explains why there is no tray icon, and what to install."""
    return _notification(TRAY_TAG, Level.INFO, "This desktop shows no tray icons", explanation)


def settings_notification(problems: Sequence[str]) -> Notification:
    """Return a notification about mistakes in the settings. Only the first three mistakes are shown.

    A setting with a mistake is ignored, which can be serious. For example, trayalert is blind if the setting of the
    tunnel is ignored.
    """
    title = "The settings have a mistake" if len(problems) == 1 else f"The settings have {len(problems)} mistakes"
    return _notification(SETTINGS_TAG, Level.WARN, title, *problems[:3])


def crash_notification(sentences: Sequence[str]) -> Notification:
    """Return a notification saying how an earlier run crashed. Only the last of the `sentences` is shown."""
    return _notification(CRASH_TAG, Level.WARN, "trayalert crashed", *sentences[-1:])


def _notification(
    tag: str, level: Level, title: str, *sentences: str, final: bool = False, quiet: bool = False
) -> Notification:
    """Return a notification with one line for each sentence.

    A sentence may be the message of a fault, which begins in lower case. The first letter of each line is therefore
    capitalised.
    """
    return Notification(
        tag=tag,
        level=level,
        title=title,
        lines=tuple(printable(as_sentence(text), limit=400) for text in sentences),
        button=OPEN_WINDOW,
        timeout=FINAL_TIMEOUT if final else None,
        update_only=quiet,
    )


def _local_time(moment: Millis) -> str:
    """Format a time as local time. The date is included, because a gap may be days old."""
    return local_text(moment, "%m-%d %H:%M")
