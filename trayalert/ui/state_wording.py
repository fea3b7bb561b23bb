"""The wording of the program's state for the tray, the window and the overlay. No message claims more than is proved.

A probe proves only for a limited time that callbacks get through. All messages and icons therefore use
`shown_reachability`, which ignores an expired proof.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.phrase import as_sentence
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis, duration_text
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import ProgramState
from trayalert.ui.wording import ago_text, local_time

DAY_MS: Final = 86_400_000
UNPROVED_TEXTS = {
    Reachability.UNKNOWN: (
        "That does not mean that all is well: reach is unknown, nothing proves that callbacks get through."
    ),
    Reachability.BLIND: "That means nothing: trayalert is blind, no callback can arrive.",
}
REFUSED_TEXT = (
    "That does not mean that all is well: within the last hour a callback was refused that may have been an alert."
)
GAP_CAUSE_TEXTS = {GapCause.OFF: "not running", GapCause.ASLEEP: "asleep", GapCause.BLIND: "blind"}
_PHASE_TEXTS = {
    Phase.STARTING: "starting",
    Phase.UP: "up",
    Phase.WAITING: "down",
    Phase.MISSING: "its program is missing",
}
GAPS_ADVICE = (
    "What Cloud Monitor sent in these times is lost, unless it was sent again after them. Look into its alert history"
    " for these times."
)


def shown_reachability(state: ProgramState, *, now: Millis) -> Reachability:
    """Return the reachability that is shown to the user.

    While callbacks cannot be stored, return BLIND. Return UNKNOWN instead of REACHABLE in three cases:

    - No recent probe proves that callbacks get through.
    - The public address has changed, and the user has not accepted the change.
    - A callback that may have been an alert was refused within the last hour.
    """
    if not state.storing:
        return Reachability.BLIND
    proved = _is_proved(state, now=now) and not state.refused_recently
    return Reachability.UNKNOWN if state.reachability is Reachability.REACHABLE and not proved else state.reachability


def _is_proved(state: ProgramState, *, now: Millis) -> bool:
    """Return whether a recent probe has arrived through the public address that the rules in the console use."""
    proved = state.proved_until is not None and now <= state.proved_until
    return proved and state.reachability is Reachability.REACHABLE and state.url_changed is None


def reachability_text(state: ProgramState, *, now: Millis) -> str:
    """Return a message that says whether callbacks get through.

    While callbacks cannot be stored, the message says that callbacks are refused. While no callback can arrive, the
    message gives the time at which this began. `problem_sentences` returns the reason.
    """
    if not state.storing:
        return "Blind: callbacks are refused, as they cannot be stored"
    match shown_reachability(state, now=now):
        case Reachability.BLIND:
            return f"{blind_text(state, now=now)}: no callback can arrive"
        case Reachability.REACHABLE:
            return f"Callbacks get through{_checked_text(state, now=now)}"
        case _:
            return _unknown_text(state, now=now)


def _unknown_text(state: ProgramState, *, now: Millis) -> str:
    """Return a message that says why it is unknown whether callbacks get through."""
    if _is_proved(state, now=now):
        checked = _checked_text(state, now=now)
        return f"Probes get through{checked}, but a callback was refused that may have been an alert"
    if state.reachability is not Reachability.REACHABLE:
        reason = state.reachability_reason
        return f"Reach unknown: {reason.rstrip('.')}" if reason else "Reach unknown"
    if state.url_changed:
        return "Reach unknown: only the new public address is proved"
    proved_at = local_time(state.reachable_at, now=now)
    return f"Reach unknown: it was last proved at {proved_at}" if proved_at else "Reach unknown"


def _checked_text(state: ProgramState, *, now: Millis) -> str:
    checked_at = local_time(state.reachable_at, now=now)
    return f" (checked {checked_at})" if checked_at else ""


def blind_text(state: ProgramState, *, now: Millis) -> str:
    """Return a text such as `Blind since 02:10`, or only `Blind` if the time is unknown.

    While callbacks cannot be stored, return only `Blind`.
    """
    since = local_time(state.reachability_since, now=now)
    return f"Blind since {since}" if since and state.storing else "Blind"


def problem_sentences(state: ProgramState, *, now: Millis) -> tuple[str, ...]:
    """Return the sentences that say what is wrong, without duplicates.

    While trayalert is blind, the first sentence says why, if the reason is known.
    """
    blind = shown_reachability(state, now=now) is Reachability.BLIND
    reasons = (state.reachability_reason,) if blind and state.reachability_reason else ()
    return tuple(dict.fromkeys(map(as_sentence, (*reasons, *state.problems))))


def tray_problems(state: ProgramState, *, now: Millis) -> tuple[str, ...]:
    """Return the sentences that the tray shows about problems.

    The result contains all sentences of `problem_sentences`. After a change of the public address, a sentence about the
    change comes first. The window uses `problem_sentences` directly, and shows a changed address separately.
    """
    address_changed = (
        ("The public address has changed: the rules in the console lead nowhere.",) if state.url_changed else ()
    )
    return (*address_changed, *problem_sentences(state, now=now))


def open_counts_text(state: ProgramState, language: Language) -> str:
    """Return the number of open incidents at each level, worst level first, such as `3 critical · 1 warn`."""
    levels: Mapping[Level, int] = state.open_by_level or {state.worst or Level.INFO: state.open_incidents}
    sorted_levels = sorted(levels.items(), key=lambda pair: -pair[0].rank)
    return " · ".join(
        f"{count} {language.say(worst(level, Level.INFO)).lower()}" for level, count in sorted_levels if count
    )


def overlay_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a very short summary for the overlay, such as `3 critical · blind since 02:10`.

    The summary contains the number of open incidents at each level, a reachability other than REACHABLE, and the
    state's `uncertainty`.
    """
    parts = [open_counts_text(state, language) if state.open_incidents else "none open"]
    match shown_reachability(state, now=now):
        case Reachability.BLIND:
            blind = blind_text(state, now=now)
            parts.append(blind[:1].lower() + blind[1:])
        case Reachability.UNKNOWN:
            parts.append("a callback was refused" if _is_proved(state, now=now) else "reach unknown")
    if state.uncertainty:
        parts.append(state.uncertainty)
    return " · ".join(parts)


def headline(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a short summary: how many incidents are open, and their worst level.

    The summary contains the state's `uncertainty`, if there is any. If incidents are open while trayalert is blind, the
    summary also contains a text such as `blind since 02:10`.
    """
    if not state.open_incidents:
        return f"Unknown what is open: {state.uncertainty}" if state.uncertainty else "No incident is open"
    level = worst(state.worst or Level.INFO, Level.INFO)
    text = f"{state.open_incidents} open, worst {language.say(level)}"
    if shown_reachability(state, now=now) is Reachability.BLIND:
        text += f"; {blind_text(state, now=now).lower()}"
    return f"{text}; {state.uncertainty}" if state.uncertainty else text


def last_callback_text(state: ProgramState, *, now: Millis) -> str:
    """Return a message that says how long ago the latest callback arrived."""
    if state.last_callback_at is None:
        return "Last callback unknown" if state.uncertainty else "No callback has ever arrived"
    return f"Last callback {ago_text(state.last_callback_at, now=now)}"


def paused_text(state: ProgramState, *, now: Millis) -> str:
    """Return a phrase such as `paused until 15:42`. Call this function only while `is_paused` returns True."""
    return f"paused until {local_time(state.paused_until, now=now)}"


def is_paused(state: ProgramState, *, now: Millis) -> bool:
    """Return whether notifications are currently paused."""
    return state.paused_until is not None and state.paused_until > now


def empty_table_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return the message that is shown instead of an empty table.

    The first case that applies decides what the message says:

    - More incidents may be open than are known: the reason.
    - No callback has ever arrived, and trayalert is not blind: how to set up reachability.
    - All other states: that no incident is open, and whether callbacks get through.
    """
    problems, reachability = " ".join(problem_sentences(state, now=now)), shown_reachability(state, now=now)
    if state.uncertainty:
        return f"{headline(state, language, now=now)}.\n{problems}"
    if state.last_callback_at is None and reachability is not Reachability.BLIND:
        return (
            "No callback has ever arrived.\n"
            "Set up reach, and give the callback URL to a rule in Cloud Monitor. A sample comes with `trayalert send`."
        )
    if reachability is Reachability.REACHABLE:
        return f"No incident is open.\n{reachability_text(state, now=now)}."
    meaning = UNPROVED_TEXTS[reachability] if state.storing else "That means nothing: callbacks are refused."
    if _is_proved(state, now=now) and reachability is Reachability.UNKNOWN:
        meaning = REFUSED_TEXT
    return f"No incident is open.\n{meaning} {problems if reachability is Reachability.BLIND else ''}".rstrip()


def tunnel_text(tunnel: TunnelState, *, now: Millis) -> str:
    """Return a message about the state of the tunnel, or an empty string if no tunnel is configured."""
    if tunnel.phase is Phase.OFF or not tunnel.kind:
        return ""
    text = f"Tunnel {tunnel.kind}: {_PHASE_TEXTS[tunnel.phase]}"
    if tunnel.phase is Phase.WAITING and tunnel.until is not None:
        text += f", starts again at {local_time(tunnel.until, now=now)}"
    detail = tunnel.warning if tunnel.phase is Phase.UP else tunnel.why
    return f"{text}. {as_sentence(detail)}" if detail else text


def url_changed_text(changed: UrlChanged) -> str:
    """Return a message that names the old and the new public address after a change.

    The message asks the user to change the rules in the console, which still use the old address.
    """
    return (
        "The public address has changed: the rules in the console lead nowhere. Change the callback URL in each!"
        f"\nBefore: {changed.before}\nNow: {changed.now}"
    )


def gap_cells(gap: Gap, *, now: Millis) -> tuple[str, ...]:
    """Return the cells of a gap's row in the gaps window: cause, beginning, end, length and reason."""
    began, until = local_time(gap.began_at, now=now), local_time(gap.ended_at, now=now) or "goes on"
    return GAP_CAUSE_TEXTS[gap.cause], began, until, duration_text(gap.length(now)), gap.why or ""


def last_gap_text(gaps: Iterable[Gap], *, now: Millis) -> str:
    """Return a message about the most recently ended gap, or an empty string if no gap ended in the last 24 hours.

    `gaps` must be sorted with the most recent gap first.
    """
    ended = next((gap for gap in gaps if gap.ended_at is not None), None)
    if ended is None or ended.ended_at is None or now - ended.ended_at > DAY_MS:
        return ""
    began, until = (local_time(at, now=now) for at in (ended.began_at, ended.ended_at))
    return f"Gap: {GAP_CAUSE_TEXTS[ended.cause]} {began}\N{EN DASH}{until}"


def gnome_tray_advice(environment: Mapping[str, str]) -> str | None:
    """Return advice on how to get a tray on GNOME, which has no built-in tray. Return None on other desktops."""
    if "GNOME" not in environment.get("XDG_CURRENT_DESKTOP", "").upper().split(":"):
        return None
    return (
        'GNOME shows no tray icons by itself. Install the extension "AppIndicator and KStatusNotifierItem Support" (on'
        " Debian and Ubuntu: sudo apt install gnome-shell-extension-appindicator), log out and in, and turn it on in"
        " the program Extensions. Until then a small strip shows what burns."
    )
