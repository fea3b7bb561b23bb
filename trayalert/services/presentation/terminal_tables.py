"""Output for users at a terminal, as lines with aligned columns. Scripts use `--json` instead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trayalert.domain.gap import Gap
from trayalert.domain.incident.alert import TEST, Alert
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.text import display_width, printable
from trayalert.domain.times import Millis, duration_text, local_text
from trayalert.domain.wording.language import Language, ending_text, localised_duration, state_text
from trayalert.services.presentation.alert_text import metric_or_message, name_text, resource_component_text, value_text
from trayalert.services.presentation.json_records import is_unconfirmed

_Rows = Iterable[Sequence[str]]


def status_lines(state: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of `trayalert status`. `state` is the object that `trayalert status --json` prints."""
    if state["running"] and state["listening"]:
        yield f"running ({state['front']}), listening on {state['host']}:{state['port']}"
    elif state["running"]:
        yield f"running ({state['front']}), but the door is shut: {_closed_reason(state)}"
    else:
        yield "not running: callbacks that come now are lost after Cloud Monitor's retries"
    yield from _reachability_lines(state)
    yield from (f"log             {problem}" for problem in state["log_problems"])
    yield from (f"log news        {news}" for news in state["log_news"])
    if state["salvaging"]:
        yield "salvage         a former log is being read over; what was open in it may still come"
    yield f"callback URL    {state['callback_url']}"
    labels = {"door_note": "door", "probing": "probing", "turned_away": "turned away", "mistyped": "mistyped URL"}
    yield from (f"{label:<16}{state[key]}" for key, label in labels.items() if state[key])
    if state["alerts"] is None:
        yield "alerts          unknown, as the log cannot be read"
    else:
        yield f"last callback   {state['last_callback_at'] or 'never'}"
        yield f"open incidents  {state['open_incidents']}"
        counted = f"{state['alerts']} ({state['deliveries']} deliveries, {state['unrecognised']} unrecognised)"
        yield f"alerts          {counted}"
    yield from _backup_lines(state)
    yield from (f"crash           what happened is in {path}" for path in state["crashes"])
    yield f"data dir        {state['data_dir']}"
    yield f"version         {state['version']}"
    yield from (f"settings        {problem}" for problem in state["settings_problems"])


def _reachability_lines(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say whether callbacks arrive, and through which tunnel."""
    words = {
        "reachable": "reachable: a probe came through",
        "blind": "blind: nothing gets in",
        "unknown": "unknown: nothing has proved that the outside gets in",
    }
    text = words[state["reach"]]
    if state["storing"] is False:
        text = "blind: callbacks are refused, as they cannot be stored"
    yield f"reach           {text}{', since ' + state['reach_since'] if state['reach_since'] else ''}"
    if state["reach_why"] and state["running"] and state["reach_why"] not in state["log_problems"]:
        yield f"                {state['reach_why']}"
    if state["tunnel"]:
        tunnel = state["tunnel"]
        restarts = f", started again {tunnel['restarts']} times" if tunnel["restarts"] else ""
        yield f"tunnel          {tunnel['kind']}: {tunnel['phase']}{restarts}"
        yield from (f"                {words}" for words in (tunnel["why"], tunnel["warning"]) if words)
    if state["url_changed"]:
        changed = state["url_changed"]
        yield f"URL CHANGED     it was {changed['before']}: change the callback URL in the console's rules"


def _closed_reason(state: Mapping[str, Any]) -> str:
    return str(state["door_problem"] or next(iter(state["log_problems"]), "it is being opened"))


def _backup_lines(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines about backups and quarantined logs."""
    if state["backups"]:
        yield f"backups         {state['backups']}, the newest of {state['last_backup_at']}"
    else:
        yield "backups         none yet"
    if state["quarantined"]:
        moved = "1 log was" if state["quarantined"] == 1 else f"{state['quarantined']} logs were"
        yield f"quarantine      {moved} moved aside; `trayalert check` tells why"


def secret_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Return the lines of a table of secrets."""
    head = ("NAME", "SECRET", "HOLDS UNTIL", "DELIVERIES", "LAST USED")
    cells = (
        (row["name"], row["secret"], row["until"] or "-", str(row["deliveries"]), row["last_at"] or "never")
        for row in rows
    )
    return _table(head, cells)


def expected_callback_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Return the lines of a table of expected callbacks."""
    head = ("NAME", "HOURS", "LEVEL", "LAST CALLBACK", "DUE", "STATE")
    cells = (
        (
            row["name"],
            f"{row['hours']:g}",
            row["level"],
            "never" if row["last_at"] is None else _local_time(row["last_at"]),
            "-" if row["due_at"] is None else _local_time(row["due_at"]),
            row["state"],
        )
        for row in rows
    )
    return _table(head, cells)


def alert_lines(alerts: Iterable[StoredAlert], language: Language) -> Iterator[str]:
    """Return the lines of a table of alerts."""
    head = ("ID", "RECEIVED", "LEVEL", "STATE", "NAME", "RESOURCE", "METRIC OR MESSAGE", "VALUE", "INCIDENT")
    return _table(head, (_alert_row(stored, language) for stored in alerts))


def _alert_row(stored: StoredAlert, language: Language) -> Sequence[str]:
    alert = stored.alert
    return (
        str(stored.id),
        _local_time(stored.received_at),
        "-" if alert.kind == TEST else language.say(alert.level),
        state_text(alert.state, language) if alert.state else alert.kind,
        *_alert_cells(alert, language),
        str(stored.incident_id or "-"),
    )


def incident_lines(
    incidents: Iterable[StoredIncident], language: Language, *, now: Millis, mute_period: Millis
) -> Iterator[str]:
    """Return the lines of a table of incidents."""
    head = ("ID", "STATE", "LEVEL", "SINCE", "LASTED", "NAME", "RESOURCE", "METRIC OR MESSAGE", "VALUE", "ALERTS")
    return _table(head, (_incident_row(stored, language, now, mute_period) for stored in incidents))


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
        _local_time(incident.opened_at),
        localised_duration(until - incident.opened_at, language) if incident.start_known else "?",
        *_alert_cells(alert, language),
        str(incident.alerts),
    )


def gap_lines(gaps: Iterable[Gap], *, now: Millis) -> Iterator[str]:
    """Return the lines of a table of gaps."""
    return _table(("ID", "CAUSE", "FROM", "UNTIL", "LASTED", "WHY"), (_gap_row(gap, now) for gap in gaps))


def _gap_row(gap: Gap, now: Millis) -> Sequence[str]:
    return (
        str(gap.id),
        gap.cause,
        _local_time(gap.began_at),
        "it lasts" if gap.ended_at is None else _local_time(gap.ended_at),
        duration_text(gap.length(now), seconds=True),
        printable(gap.why) or "-",
    )


def _alert_cells(alert: Alert, language: Language) -> Iterator[str]:
    """Yield four table cells of limited length: name, resource, metric or message, and value."""
    yield printable(name_text(alert, language) or alert.kind, limit=40)
    yield printable(resource_component_text(alert), limit=40)
    yield printable(metric_or_message(alert, language), limit=40)
    yield printable(value_text(alert, language), limit=20)


def _local_time(moment: Millis) -> str:
    return local_text(moment, "%Y-%m-%d %H:%M:%S")


def _table(head: Sequence[str], rows: _Rows) -> Iterator[str]:
    cells = [head, *rows]
    widths = [max(display_width(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        padded = (cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
