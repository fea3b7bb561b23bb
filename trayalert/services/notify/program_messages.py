"""The texts of notifications about the program itself, such as its log, its reachability and earlier crashes.

The texts are phrases, which `NotificationWriter` renders in the user's language.
"""

from collections.abc import Sequence

from trayalert.domain.events import CallbackRefused, ReceptionResumed, UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification
from trayalert.domain.phrase import N_, Phrase, as_sentence
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis, duration_text, moment_text, span_ends
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

CHANGE_RULES = Phrase(
    "Copy the new callback URL from trayalert and put it into every rule in the console: until then their callbacks do "
    "not arrive."
)
_SENT_AGAIN = Phrase(
    "What Cloud Monitor sent meanwhile it sends again for a few minutes; what is older may be missing."
)
LOOK_INTO_HISTORY = Phrase(
    "What Cloud Monitor sent meanwhile is lost, unless it was sent again: look into its alert history for that time."
)


def not_storing_notification(state: LogState, *, quiet: bool) -> Notification:
    """Return a notification saying that callbacks are refused because they cannot be stored.

    If `quiet` is true, the notification only updates an earlier notification that is still on the screen. The caller
    sets `quiet` if only the reason has changed.
    """
    return _notification(LOG_TAG, Level.CRITICAL, Phrase("trayalert cannot store alerts"), *state.problems, quiet=quiet)


def storing_again_notification() -> Notification:
    """Return a notification saying that storing callbacks works again."""
    return _notification(LOG_TAG, Level.OK, Phrase("trayalert stores alerts again"), _SENT_AGAIN, final=True)


def listener_closed_notification(problem: str) -> Notification:
    """Return a notification saying that no callback can arrive, because the listener is closed."""
    return _notification(LISTENER_TAG, Level.CRITICAL, Phrase("trayalert is blind: no callback can arrive"), problem)


def listener_open_notification() -> Notification:
    """Return a notification saying that the listener is open again."""
    return _notification(LISTENER_TAG, Level.OK, Phrase("trayalert's door is open again"), _SENT_AGAIN, final=True)


def refused_notification(refused: CallbackRefused) -> Notification:
    """Return a notification saying that trayalert refused a request that may have been an alert."""
    return _notification(
        f"{REFUSED_TAG} {refused.cause}", Level.WARN, Phrase("A callback was refused"), refused.message
    )


def log_news_notification(news: Sequence[str]) -> Notification:
    """Return a notification with the news about the log, such as the result of a salvage."""
    return _notification(LOG_NEWS_TAG, Level.WARN, Phrase("What happened to trayalert's log"), *news)


def blind_notification(state: ReachabilityState, *, since: Millis, now: Millis) -> Notification:
    """Return a notification saying since when and why Cloud Monitor cannot reach this computer."""
    title = Phrase("trayalert is blind since {time}", time=moment_text(since, now=now))
    return _notification(REACH_TAG, Level.CRITICAL, title, state.why or Phrase("No callback can arrive."))


def reachable_notification(began: Millis, *, until: Millis, now: Millis) -> Notification:
    """Return a notification saying that callbacks arrive again, and when the blind span began and ended."""
    length, ends = duration_text(until - began), span_ends(began, until, now=now)
    span = Phrase("trayalert was blind for {duration}.", duration=length)
    if ends:
        span = Phrase(
            "trayalert was blind from {start} to {end} ({duration}).", start=ends[0], end=ends[1], duration=length
        )
    title = Phrase("Callbacks get through again")
    return _notification(REACH_TAG, Level.OK, title, span, LOOK_INTO_HISTORY, final=True)


def url_changed_notification(changed: UrlChanged) -> Notification:
    """Return a notification saying that the public address has changed.

    After the change, the callback URL in the console's rules is no longer valid.
    """
    change = Phrase("It was {before}, it is {now}.", before=changed.before, now=changed.now)
    return _notification(URL_TAG, Level.CRITICAL, Phrase("The public address has changed"), change, CHANGE_RULES)


def returned_notification(returned: ReceptionResumed, *, now: Millis) -> Notification:
    """Return a notification saying that a gap has ended, and what has arrived after the gap."""
    level = Level.WARN if returned.firing else Level.INFO
    return _notification(GAP_TAG, level, _gap_title(returned.gap, now), _arrivals_text(returned), LOOK_INTO_HISTORY)


def _gap_title(gap: Gap, now: Millis) -> Phrase:
    ended_at = gap.ended_at or gap.began_at
    length, ends = duration_text(ended_at - gap.began_at), span_ends(gap.began_at, ended_at, now=now)
    asleep = gap.cause is GapCause.ASLEEP
    if ends is None:
        template = N_("trayalert was asleep for {duration}") if asleep else N_("trayalert was off for {duration}")
        return Phrase(template, duration=length)
    template = (
        N_("trayalert was asleep from {start} to {end} ({duration})")
        if asleep
        else N_("trayalert was off from {start} to {end} ({duration})")
    )
    return Phrase(template, start=ends[0], end=ends[1], duration=length)


def _arrivals_text(returned: ReceptionResumed) -> str:
    callbacks, opened, firing = returned.callbacks, returned.opened, returned.firing
    if not callbacks:
        return Phrase("No callback has come since.")
    if not opened:
        return Phrase.counted(
            "1 callback has come since; no incident was opened.",
            "{count:,} callbacks have come since; no incident was opened.",
            callbacks,
        )
    come = Phrase.counted("1 callback has come since", "{count:,} callbacks have come since", callbacks)
    if not firing:
        incidents = Phrase.counted(
            "1 incident was opened, none of them burns", "{count:,} incidents were opened, none of them burns", opened
        )
    elif opened == 1:
        incidents = Phrase("1 incident was opened, it burns")
    else:
        incidents = Phrase("{count:,} incidents were opened, {firing} burn", count=opened, firing=firing)
    return Phrase("{callbacks}; {incidents}.", callbacks=come, incidents=incidents)


def no_tray_notification(explanation: str) -> Notification:
    """Return a notification that explains why there is no tray icon, and what to install."""
    return _notification(TRAY_TAG, Level.INFO, Phrase("This desktop shows no tray icons"), explanation)


def settings_notification(problems: Sequence[str]) -> Notification:
    """Return a notification about mistakes in the settings. Only the first three mistakes are shown.

    A setting with a mistake is ignored, which can be serious. For example, trayalert is blind if the setting of the
    tunnel is ignored.
    """
    title = Phrase.counted("The settings have a mistake", "The settings have {count} mistakes", len(problems))
    return _notification(SETTINGS_TAG, Level.WARN, title, *problems[:3])


def crash_notification(sentences: Sequence[str]) -> Notification:
    """Return a notification saying how an earlier run crashed. Only the last of the `sentences` is shown."""
    return _notification(CRASH_TAG, Level.WARN, Phrase("trayalert crashed"), *sentences[-1:])


def _notification(
    tag: str, level: Level, title: str, *sentences: str, final: bool = False, quiet: bool = False
) -> Notification:
    """Return a notification with one line for each sentence.

    A sentence may be the message of a fault, which begins in lower case. The first letter of each line is therefore
    capitalised. `NotificationWriter` makes each line printable.
    """
    return Notification(
        tag=tag,
        level=level,
        title=title,
        lines=tuple(map(as_sentence, sentences)),
        button=OPEN_WINDOW,
        timeout=FINAL_TIMEOUT if final else None,
        update_only=quiet,
    )
