"""Output for users at a terminal, as lines with aligned columns, in their language. Scripts use `--json` instead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.alert import TEST, UNRECOGNISED, Alert
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.reachability import Reachability
from trayalert.domain.text import display_width, printable
from trayalert.domain.times import Millis, moment_text, read_time
from trayalert.domain.tunnel import Phase
from trayalert.domain.wording.language import Language, ending_text, localised_duration, state_text
from trayalert.services.presentation.alert_text import metric_or_message, name_text, resource_component_text, value_text
from trayalert.services.presentation.json_records import is_unconfirmed

_Rows = Iterable[Sequence[str]]

_LABEL_WIDTH = 15
_NOTES = {
    "door_note": N_("door"),
    "probing": N_("probing"),
    "turned_away": N_("turned away"),
    "mistyped": N_("mistyped URL"),
}
"""The labels of the notes in the status, by their keys."""
_MODES = {"tray": N_("tray")}
"""The words for how trayalert was started. The word `serve` is a command and is not translated."""
_REACHABILITIES = {
    Reachability.REACHABLE: N_("reachable: a probe came through"),
    Reachability.BLIND: N_("blind: nothing gets in"),
    Reachability.UNKNOWN: N_("unknown: nothing has proved that the outside gets in"),
}
PHASE_WORDS = {
    Phase.OFF: N_("off"),
    Phase.STARTING: N_("starting"),
    Phase.UP: N_("up"),
    Phase.WAITING: N_("waiting"),
    Phase.MISSING: N_("missing"),
}
"""The word for each phase of a tunnel."""

_GAP_CAUSES = {GapCause.OFF: N_("off"), GapCause.ASLEEP: N_("asleep"), GapCause.BLIND: N_("blind")}
_EXPECTED_STATES = {"silent": N_("silent"), "waiting": N_("waiting"), "ok": N_("ok")}
_KINDS = {TEST: N_("test"), UNRECOGNISED: N_("unrecognised")}
"""The words for the kinds of alerts that have no state. The words for all other kinds are those of the senders."""


def status_lines(state: Mapping[str, Any], language: Language, *, now: Millis) -> Iterator[str]:
    """Yield the lines of `trayalert status`. `state` is the object that `trayalert status --json` prints."""
    yield _running_line(state, language)
    yield from _reachability_lines(state, language, now)
    yield from (_row(language.say("log"), problem, language) for problem in state["log_problems"])
    yield from (_row(language.say("log news"), news, language) for news in state["log_news"])
    if state["salvaging"]:
        salvaging = language.say("a former log is being read over; what was open in it may still come")
        yield _row(language.say("salvage"), salvaging, language)
    yield _row(language.say("callback URL"), state["callback_url"], language)
    yield from (_row(language.say(label), state[key], language) for key, label in _NOTES.items() if state[key])
    yield from _total_lines(state, language, now)
    yield from _backup_lines(state, language, now)
    for path in state["crashes"]:
        yield _row(language.say("crash"), language.say("what happened is in {path}", path=path), language)
    yield _row(language.say("data dir"), state["data_dir"], language)
    yield _row(language.say("version"), state["version"], language)
    yield from (_row(language.say("settings"), problem, language) for problem in state["settings_problems"])


def _running_line(state: Mapping[str, Any], language: Language) -> str:
    if not state["running"]:
        return language.say("not running: callbacks that come now are lost after Cloud Monitor's retries")
    mode = language.say(_MODES.get(state["front"], state["front"]))
    if state["listening"]:
        address = f"{state['host']}:{state['port']}"
        return language.say("running ({mode}), listening on {address}", mode=mode, address=address)
    reason = state["door_problem"] or next(iter(state["log_problems"]), Phrase("it is being opened"))
    return language.say("running ({mode}), but the door is shut: {reason}", mode=mode, reason=reason)


def _reachability_lines(state: Mapping[str, Any], language: Language, now: Millis) -> Iterator[str]:
    """Yield the lines that say whether callbacks arrive, and through which tunnel."""
    text = language.say(_REACHABILITIES[state["reach"]])
    if state["storing"] is False:
        text = language.say("blind: callbacks are refused, as they cannot be stored")
    if state["reach_since"]:
        text = language.say("{state}, since {time}", state=text, time=_time(state["reach_since"], now))
    yield _row(language.say("reach"), text, language)
    if state["reach_why"] and state["running"] and state["reach_why"] not in state["log_problems"]:
        yield _row("", state["reach_why"], language)
    if state["tunnel"]:
        tunnel = state["tunnel"]
        phase = language.say(
            PHASE_WORDS.get(tunnel["phase"], tunnel["phase"])
        )  # a newer instance may know other phases
        text = language.say("{tunnel}: {phase}", tunnel=tunnel["kind"], phase=phase)
        if tunnel["restarts"]:
            text = language.says(
                "{state}, started again {count} time",
                "{state}, started again {count} times",
                tunnel["restarts"],
                state=text,
            )
        yield _row(language.say("tunnel"), text, language)
        shown = {None, "", state["reach_why"]}
        yield from (_row("", words, language) for words in (tunnel["why"], tunnel["warning"]) if words not in shown)
    if state["url_changed"]:
        before = state["url_changed"]["before"]
        advice = language.say("it was {before}: change the callback URL in the console's rules", before=before)
        yield _row(language.say("URL CHANGED"), advice, language)


def _total_lines(state: Mapping[str, Any], language: Language, now: Millis) -> Iterator[str]:
    if state["alerts"] is None:
        yield _row(language.say("alerts"), language.say("unknown, as the log cannot be read"), language)
        return
    last_at = state["last_callback_at"]
    yield _row(language.say("last callback"), _time(last_at, now) if last_at else language.say("never"), language)
    yield _row(language.say("open incidents"), str(state["open_incidents"]), language)
    totals = language.say(
        "{alerts} ({deliveries} deliveries, {unrecognised} unrecognised)",
        alerts=state["alerts"],
        deliveries=state["deliveries"],
        unrecognised=state["unrecognised"],
    )
    yield _row(language.say("alerts"), totals, language)


def _backup_lines(state: Mapping[str, Any], language: Language, now: Millis) -> Iterator[str]:
    """Yield the lines about backups and quarantined logs."""
    backups = language.say("no backup yet")
    if state["backups"]:
        newest = _time(state["last_backup_at"], now)
        backups = language.say("{count}, the newest of {time}", count=state["backups"], time=newest)
    yield _row(language.say("backups"), backups, language)
    if state["quarantined"]:
        moved = language.says(
            "1 log was moved aside; `trayalert check` tells why",
            "{count} logs were moved aside; `trayalert check` tells why",
            state["quarantined"],
        )
        yield _row(language.say("quarantine"), moved, language)


def _row(label: str, text: str, language: Language) -> str:
    """Return a line of the status. The label is padded to the width of the column of labels."""
    return f"{_padded(label, _LABEL_WIDTH)} {language.render(text)}"


def secret_lines(rows: Iterable[Mapping[str, Any]], language: Language, *, now: Millis) -> Iterator[str]:
    """Return the lines of a table of secrets."""
    head = (N_("NAME"), N_("SECRET"), N_("HOLDS UNTIL"), N_("DELIVERIES"), N_("LAST USED"))
    cells = (
        (
            row["name"],
            row["secret"],
            _time(row["until"], now) if row["until"] else "-",
            str(row["deliveries"]),
            _time(row["last_at"], now) if row["last_at"] else language.say("never"),
        )
        for row in rows
    )
    return _table(head, cells, language)


def expected_callback_lines(rows: Iterable[Mapping[str, Any]], language: Language, *, now: Millis) -> Iterator[str]:
    """Return the lines of a table of expected callbacks."""
    head = (N_("NAME"), N_("HOURS"), N_("LEVEL"), N_("LAST CALLBACK"), N_("DUE"), N_("STATE"))
    cells = (
        (
            row["name"],
            f"{row['hours']:g}",
            language.say(row["level"]),
            language.say("never") if row["last_at"] is None else moment_text(row["last_at"], now=now),
            "-" if row["due_at"] is None else moment_text(row["due_at"], now=now),
            language.say(_EXPECTED_STATES[row["state"]]),
        )
        for row in rows
    )
    return _table(head, cells, language)


def alert_lines(alerts: Iterable[StoredAlert], language: Language, *, now: Millis) -> Iterator[str]:
    """Return the lines of a table of alerts."""
    head = (
        N_("ID"), N_("RECEIVED"), N_("LEVEL"), N_("STATE"), N_("NAME"), N_("RESOURCE"), N_("METRIC OR MESSAGE"),
        N_("VALUE"), N_("INCIDENT"),
    )  # fmt: skip
    return _table(head, (_alert_row(stored, language, now) for stored in alerts), language)


def _alert_row(stored: StoredAlert, language: Language, now: Millis) -> Sequence[str]:
    alert = stored.alert
    return (
        str(stored.id),
        moment_text(stored.received_at, now=now),
        "-" if alert.kind == TEST else language.say(alert.level),
        state_text(alert.state, language) if alert.state else _kind_text(alert, language),
        *_alert_cells(alert, language),
        str(stored.incident_id or "-"),
    )


def incident_lines(
    incidents: Iterable[StoredIncident], language: Language, *, now: Millis, mute_period: Millis
) -> Iterator[str]:
    """Return the lines of a table of incidents."""
    head = (
        N_("ID"), N_("STATE"), N_("LEVEL"), N_("SINCE"), N_("LASTED"), N_("NAME"), N_("RESOURCE"),
        N_("METRIC OR MESSAGE"), N_("VALUE"), N_("ALERTS"),
    )  # fmt: skip
    return _table(head, (_incident_row(stored, language, now, mute_period) for stored in incidents), language)


def _incident_row(stored: StoredIncident, language: Language, now: Millis, mute_period: Millis) -> Sequence[str]:
    incident, alert = stored.incident, stored.alert.alert
    state = language.say("open") if incident.open else ending_text(incident.closed_by, language)
    if is_unconfirmed(stored, now=now, mute_period=mute_period):
        state = language.say("unconfirmed")
    until = now if incident.closed_at is None else incident.closed_at
    return (
        str(incident.id),
        state,
        language.say(incident.level if incident.open else incident.worst_level),
        moment_text(incident.opened_at, now=now),
        localised_duration(until - incident.opened_at, language) if incident.start_known else "?",
        *_alert_cells(alert, language),
        str(incident.alerts),
    )


def gap_lines(gaps: Iterable[Gap], language: Language, *, now: Millis) -> Iterator[str]:
    """Return the lines of a table of gaps."""
    head = (N_("ID"), N_("CAUSE"), N_("FROM"), N_("UNTIL"), N_("LASTED"), N_("WHY"))
    return _table(head, (_gap_row(gap, language, now) for gap in gaps), language)


def _gap_row(gap: Gap, language: Language, now: Millis) -> Sequence[str]:
    return (
        str(gap.id),
        language.say(_GAP_CAUSES[gap.cause]),
        moment_text(gap.began_at, now=now),
        language.say("it lasts") if gap.ended_at is None else moment_text(gap.ended_at, now=now),
        localised_duration(gap.length(now), language, seconds=True),
        printable(language.render(gap.why or "")) or "-",
    )


def _alert_cells(alert: Alert, language: Language) -> Iterator[str]:
    """Yield four table cells of limited length: name, resource, metric or message, and value."""
    yield printable(name_text(alert, language) or _kind_text(alert, language), limit=40)
    yield printable(resource_component_text(alert), limit=40)
    yield printable(metric_or_message(alert, language), limit=40)
    yield printable(value_text(alert, language), limit=20)


def _kind_text(alert: Alert, language: Language) -> str:
    return language.say(_KINDS[alert.kind]) if alert.kind in _KINDS else alert.kind


def _time(stamp: str, now: Millis) -> str:
    """Format a time of a JSON object for users. Return a text that is no time unchanged."""
    moment = read_time(stamp)
    return stamp if moment is None else moment_text(moment, now=now)


def _table(head: Sequence[str], rows: _Rows, language: Language) -> Iterator[str]:
    """Yield the lines of a table. `head` are the marked titles of the columns, which the catalogue translates."""
    cells = [[language.say(title) for title in head], *rows]
    widths = [max(display_width(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        yield "  ".join(map(_padded, row, widths)).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))
