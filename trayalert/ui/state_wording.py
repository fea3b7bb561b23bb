"""The wording of the program's state for the tray, the window and the overlay. No message claims more than is proved.

A probe proves only for a limited time that callbacks get through. All messages and icons therefore use
`shown_reachability`, which ignores an expired proof.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap, GapCause, is_announced
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.phrase import N_, Phrase, PhraseList, as_clause, as_sentence
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis, duration_text, span_ends
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language, localised_duration
from trayalert.ui.backend import ProgramState
from trayalert.ui.wording import ago_text, local_time

DAY_MS: Final = 86_400_000
UNPROVED_TEXTS = {
    Reachability.UNKNOWN: N_(
        "That does not mean that all is well: reach is unknown, nothing proves that callbacks get through."
    ),
    Reachability.BLIND: N_("That means nothing: trayalert is blind, no callback can arrive."),
}
REFUSED_TEXT = N_(
    "That does not mean that all is well: within the last hour a callback was refused that may have been an alert."
)
GAP_CAUSE_TEXTS = {GapCause.OFF: N_("not running"), GapCause.ASLEEP: N_("asleep"), GapCause.BLIND: N_("blind")}
_COUNT_TEXTS = {
    Level.CRITICAL: N_("{count} critical"),
    Level.WARN: N_("{count} warn"),
    Level.INFO: N_("{count} info"),
}
_PHASE_TEXTS = {
    Phase.STARTING: N_("Tunnel {kind}: starting"),
    Phase.UP: N_("Tunnel {kind}: up"),
    Phase.WAITING: N_("Tunnel {kind}: down"),
    Phase.MISSING: N_("Tunnel {kind}: its program is missing"),
}
GAPS_ADVICE = N_(
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


def reachability_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a message that says whether callbacks get through.

    While callbacks cannot be stored, the message says that callbacks are refused. While no callback can arrive, the
    message gives the time at which this began. `problem_sentences` returns the reason.
    """
    if not state.storing:
        return language.say("Blind: callbacks are refused, as they cannot be stored")
    match shown_reachability(state, now=now):
        case Reachability.BLIND:
            since = _blind_since(state, now=now)
            if since:
                return language.say("Blind since {time}: no callback can arrive", time=since)
            return language.say("Blind: no callback can arrive")
        case Reachability.REACHABLE:
            checked_at = local_time(state.reachable_at, now=now)
            if checked_at:
                return language.say("Callbacks get through (checked {time})", time=checked_at)
            return language.say("Callbacks get through")
        case _:
            return _unknown_text(state, language, now=now)


def _unknown_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a message that says why it is unknown whether callbacks get through."""
    proved_at = local_time(state.reachable_at, now=now)
    if _is_proved(state, now=now):
        if not proved_at:
            return language.say("Probes get through, but a callback was refused that may have been an alert")
        return language.say(
            "Probes get through (checked {time}), but a callback was refused that may have been an alert",
            time=proved_at,
        )
    if state.reachability is not Reachability.REACHABLE:
        if state.reachability_reason:
            return language.say("Reach unknown: {reason}", reason=as_clause(state.reachability_reason))
    elif state.url_changed:
        return language.say("Reach unknown: only the new public address is proved")
    elif proved_at:
        return language.say("Reach unknown: it was last proved at {time}", time=proved_at)
    return language.say("Reach unknown")


def _blind_since(state: ProgramState, *, now: Millis) -> str:
    """Return the time since which no callback can arrive. The string is empty if the time is unknown.

    While callbacks cannot be stored, the string is empty, too.
    """
    return local_time(state.reachability_since, now=now) if state.storing else ""


def _blind_clause(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a text such as `blind since 02:10`, or only `blind` if the time is unknown."""
    since = _blind_since(state, now=now)
    return language.say("blind since {time}", time=since) if since else language.say("blind")


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
    sentences = problem_sentences(state, now=now)
    if state.url_changed:
        return (Phrase("The public address has changed: the rules in the console lead nowhere."), *sentences)
    return sentences


def open_counts_text(state: ProgramState, language: Language) -> str:
    """Return the number of open incidents at each level, worst level first, such as `3 critical · 1 warn`."""
    levels: Mapping[Level, int] = state.open_by_level or {state.worst or Level.INFO: state.open_incidents}
    sorted_levels = sorted(levels.items(), key=lambda pair: -pair[0].rank)
    return " · ".join(
        language.say(_COUNT_TEXTS[worst(level, Level.INFO)], count=count) for level, count in sorted_levels if count
    )


def overlay_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a very short summary for the overlay, such as `3 critical · blind since 02:10`.

    The summary contains the number of open incidents at each level, a reachability other than REACHABLE, and the
    state's `uncertainty`.
    """
    parts = [open_counts_text(state, language) if state.open_incidents else language.say("none open")]
    match shown_reachability(state, now=now):
        case Reachability.BLIND:
            parts.append(_blind_clause(state, language, now=now))
        case Reachability.UNKNOWN if _is_proved(state, now=now):
            parts.append(language.say("a callback was refused"))
        case Reachability.UNKNOWN:
            parts.append(language.say("reach unknown"))
    if state.uncertainty:
        parts.append(language.render(state.uncertainty))
    return " · ".join(parts)


def headline(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a short summary: how many incidents are open, and their worst level.

    The summary contains the state's `uncertainty`, if there is any. If incidents are open while trayalert is blind, the
    summary also contains a text such as `blind since 02:10`.
    """
    if not state.open_incidents:
        if state.uncertainty:
            return language.say("Unknown what is open: {reason}", reason=state.uncertainty)
        return language.say("No incident is open")
    level = worst(state.worst or Level.INFO, Level.INFO)
    clauses = [language.say("{count} open, worst {level}", count=state.open_incidents, level=language.say(level))]
    if shown_reachability(state, now=now) is Reachability.BLIND:
        clauses.append(_blind_clause(state, language, now=now))
    if state.uncertainty:
        clauses.append(language.render(state.uncertainty))
    return language.say("; ").join(clauses)


def last_callback_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a message that says how long ago the latest callback arrived."""
    if state.last_callback_at is not None:
        return language.say("Last callback {ago}", ago=ago_text(state.last_callback_at, now=now))
    return language.say("Last callback unknown") if state.uncertainty else language.say("No callback has ever arrived")


def paused_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return a message that says until when notifications are paused.

    Call this function only while `is_paused` returns True.
    """
    return language.say("Notifications paused until {time}", time=local_time(state.paused_until, now=now))


def pause_entry_text(state: ProgramState, language: Language, *, now: Millis) -> str:
    """Return the text of the tray's entry that pauses or resumes notifications."""
    if not is_paused(state, now=now):
        return language.say("Pause notifications for 1 hour")
    until = local_time(state.paused_until, now=now)
    return language.say("Resume notifications (paused until {time})", time=until)


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
    problems, reachability = problem_sentences(state, now=now), shown_reachability(state, now=now)
    if state.uncertainty:
        sentence = language.say("{sentence}.", sentence=headline(state, language, now=now))
        return f"{sentence}\n{language.render(PhraseList(problems))}"
    if state.last_callback_at is None and reachability is not Reachability.BLIND:
        return language.say(
            "No callback has ever arrived.\n"
            "Set up reach, and give the callback URL to a rule in Cloud Monitor. A sample comes with `trayalert send`."
        )
    if reachability is Reachability.REACHABLE:
        return language.say(
            "No incident is open.\n{reachability}.", reachability=reachability_text(state, language, now=now)
        )
    meaning = UNPROVED_TEXTS[reachability] if state.storing else N_("That means nothing: callbacks are refused.")
    if _is_proved(state, now=now) and reachability is Reachability.UNKNOWN:
        meaning = REFUSED_TEXT
    sentences = PhraseList((Phrase(meaning), *(problems if reachability is Reachability.BLIND else ())))
    return language.say("No incident is open.\n{meaning}", meaning=sentences)


def tunnel_text(tunnel: TunnelState, language: Language, *, now: Millis) -> str:
    """Return a message about the state of the tunnel, or an empty string if no tunnel is configured."""
    if tunnel.phase is Phase.OFF or not tunnel.kind:
        return ""
    if tunnel.phase is Phase.WAITING and tunnel.until is not None:
        restart = local_time(tunnel.until, now=now)
        text = language.say("Tunnel {kind}: down, starts again at {time}", kind=tunnel.kind, time=restart)
    else:
        text = language.say(_PHASE_TEXTS[tunnel.phase], kind=tunnel.kind)
    detail = tunnel.warning if tunnel.phase is Phase.UP else tunnel.why
    return language.say("{state}. {detail}", state=text, detail=as_sentence(detail)) if detail else text


def url_changed_text(changed: UrlChanged) -> str:
    """Return a message that names the old and the new public address after a change.

    The message asks the user to change the rules in the console, which still use the old address.
    """
    return Phrase(
        "The public address has changed: the rules in the console lead nowhere. Change the callback URL in each!"
        "\nBefore: {before}\nNow: {after}",
        before=changed.before,
        after=changed.now,
    )


def gap_cells(gap: Gap, language: Language, *, now: Millis) -> tuple[str, ...]:
    """Return the cells of a gap's row in the gaps window: cause, beginning, end, length and reason."""
    began, until = local_time(gap.began_at, now=now), local_time(gap.ended_at, now=now) or language.say("goes on")
    cause, length = language.say(GAP_CAUSE_TEXTS[gap.cause]), localised_duration(gap.length(now), language)
    return cause, began, until, length, language.render(gap.why or "")


def last_gap_text(gaps: Iterable[Gap], language: Language, *, now: Millis) -> str:
    """Return a message about a gap that ended in the last 24 hours, or an empty string if there is none.

    The message is about the most recent gap that was announced or, if there is none, about the most recent shorter gap.
    `gaps` must be sorted with the most recent gap first.
    """
    recent = [gap for gap in gaps if gap.ended_at is not None and now - gap.ended_at <= DAY_MS]
    gap = next(filter(is_announced, recent), next(iter(recent), None))
    if gap is None or gap.ended_at is None:
        return ""
    cause, ends = language.say(GAP_CAUSE_TEXTS[gap.cause]), span_ends(gap.began_at, gap.ended_at, now=now)
    if ends is None:
        return language.say("Gap: {cause} for {duration}", cause=cause, duration=duration_text(gap.length(now)))
    return language.say("Gap: {cause} {began}\N{EN DASH}{until}", cause=cause, began=ends[0], until=ends[1])


def gnome_tray_advice(environment: Mapping[str, str]) -> str | None:
    """Return advice on how to get a tray on GNOME, which has no built-in tray. Return None on other desktops."""
    if "GNOME" not in environment.get("XDG_CURRENT_DESKTOP", "").upper().split(":"):
        return None
    return Phrase(
        'GNOME shows no tray icons by itself. Install the extension "AppIndicator and KStatusNotifierItem Support" (on'
        " Debian and Ubuntu: sudo apt install gnome-shell-extension-appindicator), log out and in, and turn it on in"
        " the program Extensions. Until then a small strip shows what burns."
    )
