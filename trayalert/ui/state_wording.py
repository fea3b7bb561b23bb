"""How tray, window and strip say how things are as a whole. Its rule: no wording is better than what is proved now.

A proof that is too old is none: `shown_reach` is what all go by, also the pictures.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Cause, Gap
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.reachability import Reach
from trayalert.domain.text import sentence
from trayalert.domain.times import Millis, duration_text
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import DeskState
from trayalert.ui.wording import ago, local_time

DAY: Final = 86_400_000
REACH_REASON = {
    Reach.UNKNOWN: "That does not mean that all is well: reach is unknown, nothing proves that callbacks get through.",
    Reach.BLIND: "That means nothing: trayalert is blind, no callback can arrive.",
}
REFUSED = (
    "That does not mean that all is well: within the last hour a callback was refused that may have been an alert."
)
CAUSE = {Cause.OFF: "not running", Cause.ASLEEP: "asleep", Cause.BLIND: "blind"}
GAPS_MEAN = (
    "What Cloud Monitor sent in these times is lost, unless it was sent again after them. Look into its alert history"
    " for these times."
)


def shown_reach(state: DeskState, *, now: Millis) -> Reach:
    """Return reach as it may be shown: never better than what is proved at this moment.

    A probe that comes in proves nothing of alerts that come the same way and are refused.
    """
    if not state.storing:
        return Reach.BLIND
    good = _is_proved(state, now=now) and not state.lost_lately
    return Reach.UNKNOWN if state.reach is Reach.REACHABLE and not good else state.reach


def _is_proved(state: DeskState, *, now: Millis) -> bool:
    """Whether a probe has just come in, by the address that the rules in the console have."""
    proved = state.proved_until is not None and now <= state.proved_until
    return proved and state.reach is Reach.REACHABLE and state.url_changed is None


def reach_words(state: DeskState, *, now: Millis) -> str:
    """Say whether callbacks get through, and since when not. Why they do not is trouble: see `trouble_words`."""
    if not state.storing:
        return "Blind: callbacks are refused, as they cannot be stored"
    match shown_reach(state, now=now):
        case Reach.BLIND:
            return f"{blind_since(state, now=now)}: no callback can arrive"
        case Reach.REACHABLE:
            return f"Callbacks get through{_checked(state, now=now)}"
        case _:
            return _doubt(state, now=now)


def _doubt(state: DeskState, *, now: Millis) -> str:
    """Say why it is not known whether callbacks get through."""
    if _is_proved(state, now=now):
        return f"Probes get through{_checked(state, now=now)}, but a callback was refused that may have been an alert"
    if state.reach is not Reach.REACHABLE:
        return f"Reach unknown: {state.reach_why.rstrip('.')}" if state.reach_why else "Reach unknown"
    if state.url_changed:
        return "Reach unknown: only the new public address is proved"
    proved = local_time(state.reachable_at, now=now, seconds=False)
    return f"Reach unknown: it was last proved at {proved}" if proved else "Reach unknown"


def _checked(state: DeskState, *, now: Millis) -> str:
    checked = local_time(state.reachable_at, now=now, seconds=False)
    return f" (checked {checked})" if checked else ""


def blind_since(state: DeskState, *, now: Millis) -> str:
    """Say `Blind since 02:10`, or only `Blind` where that is not known."""
    since = local_time(state.reach_since, now=now, seconds=False)
    return f"Blind since {since}" if since and state.storing else "Blind"


def trouble_words(state: DeskState, *, now: Millis) -> tuple[str, ...]:
    """Return the sentences about what is wrong, why it is blind first; each once."""
    blind = shown_reach(state, now=now) is Reach.BLIND
    why = (state.reach_why,) if blind and state.reach_why else ()
    return tuple(dict.fromkeys(map(sentence, (*why, *state.trouble))))


def tray_troubles(state: DeskState, *, now: Millis) -> tuple[str, ...]:
    """Return the same for the tray, whose window says the first in a band of its own."""
    shout = ("The public address has changed: the rules in the console lead nowhere.",) if state.url_changed else ()
    return (*shout, *trouble_words(state, now=now))


def open_words(state: DeskState, language: Language) -> str:
    """Say how many are open of each level, the worst first: `3 critical · 1 warn`."""
    levels: Mapping[Level, int] = state.levels or {state.worst or Level.INFO: state.open_incidents}
    ranked = sorted(levels.items(), key=lambda pair: -pair[0].rank)
    return " · ".join(f"{count} {language.say(worst(level, Level.INFO)).lower()}" for level, count in ranked if count)


def strip_words(state: DeskState, language: Language, *, now: Millis) -> str:
    """Say in the fewest words what burns and whether that is all."""
    words = [open_words(state, language) if state.open_incidents else "none open"]
    match shown_reach(state, now=now):
        case Reach.BLIND:
            blind = blind_since(state, now=now)
            words.append(blind[:1].lower() + blind[1:])
        case Reach.UNKNOWN:
            words.append("a callback was refused" if _is_proved(state, now=now) else "reach unknown")
    if state.unsure:
        words.append(state.unsure)
    return " · ".join(words)


def headline(state: DeskState, language: Language, *, now: Millis) -> str:
    """Say in a few words what burns, and why that may not be all."""
    if not state.open_incidents:
        return f"Unknown what is open: {state.unsure}" if state.unsure else "No incident is open"
    level = worst(state.worst or Level.INFO, Level.INFO)
    burning = f"{state.open_incidents} open, worst {language.say(level)}"
    if shown_reach(state, now=now) is Reach.BLIND:
        burning += f"; {blind_since(state, now=now).lower()}"
    return f"{burning}; {state.unsure}" if state.unsure else burning


def last_callback(state: DeskState, *, now: Millis) -> str:
    """Say when the last callback came."""
    if state.last_callback_at is None:
        return "Last callback unknown" if state.unsure else "No callback has ever arrived"
    return f"Last callback {ago(state.last_callback_at, now=now)}"


def paused_words(state: DeskState, *, now: Millis) -> str:
    """Say until when notifications are paused; empty where they are not."""
    if not is_paused(state, now=now):
        return ""
    return f"paused until {local_time(state.paused_until, now=now, seconds=False)}"


def is_paused(state: DeskState, *, now: Millis) -> bool:
    """Whether notifications are paused."""
    return state.paused_until is not None and state.paused_until > now


def calm_words(state: DeskState, language: Language, *, now: Millis) -> str:
    """Say in whole sentences what an empty table means."""
    trouble, reach = " ".join(trouble_words(state, now=now)), shown_reach(state, now=now)
    if state.unsure:
        return f"{headline(state, language, now=now)}.\n{trouble}"
    if state.last_callback_at is None and reach is not Reach.BLIND:
        return (
            "No callback has ever arrived.\n"
            "Set up reach, and give the callback URL to a rule in Cloud Monitor. A sample comes with `trayalert send`."
        )
    if reach is Reach.REACHABLE:
        return f"No incident is open.\n{reach_words(state, now=now)}."
    meaning = REACH_REASON[reach] if state.storing else "That means nothing: callbacks are refused."
    if _is_proved(state, now=now) and reach is Reach.UNKNOWN:
        meaning = REFUSED
    return f"No incident is open.\n{meaning} {trouble if reach is Reach.BLIND else ''}".rstrip()


def tunnel_words(tunnel: TunnelState, *, now: Millis) -> str:
    """Say how the tunnel is; empty where there is none."""
    if tunnel.phase is Phase.OFF or not tunnel.kind:
        return ""
    how = {Phase.STARTING: "starting", Phase.UP: "up", Phase.WAITING: "down", Phase.MISSING: "its program is missing"}
    words = f"Tunnel {tunnel.kind}: {how[tunnel.phase]}"
    if tunnel.phase is Phase.WAITING and tunnel.until is not None:
        words += f", starts again at {local_time(tunnel.until, now=now)}"
    why = tunnel.warning if tunnel.phase is Phase.UP else tunnel.why
    return f"{words}. {sentence(why)}" if why else words


def url_words(changed: UrlChanged) -> str:
    """Shout that the rules in the console hold an address that is no more."""
    return (
        "The public address has changed: the rules in the console lead nowhere. Change the callback URL in each!"
        f"\nBefore: {changed.before}\nNow: {changed.now}"
    )


def gap_row(gap: Gap, *, now: Millis) -> tuple[str, ...]:
    """Say a gap in cells: cause, from, until, how long, why."""
    until = local_time(gap.ended_at, now=now) if gap.ended_at is not None else "goes on"
    return CAUSE[gap.cause], local_time(gap.began_at, now=now), until, duration_text(gap.length(now)), gap.why or ""


def last_gap(gaps: Iterable[Gap], *, now: Millis) -> str:
    """Tell of the last gap that ended within a day; empty where there was none."""
    ended = next((gap for gap in gaps if gap.ended_at is not None), None)
    if ended is None or ended.ended_at is None or now - ended.ended_at > DAY:
        return ""
    began, until = (local_time(at, now=now, seconds=False) for at in (ended.began_at, ended.ended_at))
    return f"Gap: {CAUSE[ended.cause]} {began}\N{EN DASH}{until}"


def gnome_words(environment: Mapping[str, str]) -> str | None:
    """Say what to install where the desktop is a GNOME, which has no tray of its own; None elsewhere."""
    if "GNOME" not in environment.get("XDG_CURRENT_DESKTOP", "").upper().split(":"):
        return None
    return (
        'GNOME shows no tray icons by itself. Install the extension "AppIndicator and KStatusNotifierItem Support" (on'
        " Debian and Ubuntu: sudo apt install gnome-shell-extension-appindicator), log out and in, and turn it on in"
        " the program Extensions. Until then a small strip shows what burns."
    )
