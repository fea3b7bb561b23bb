"""Texts about incidents for tray, table and details. Its rule: one text for one fact, and no Qt. Times are local."""

from datetime import datetime

from trayalert.domain.incident.alert import UNRECOGNISED
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime, duration_text
from trayalert.domain.wording.language import Language, ending_text, localised_duration
from trayalert.services.access.source_address import SenderOrigin
from trayalert.services.presentation.alert_text import name_text


def local_time(moment: Millis | None, *, now: Millis, seconds: bool = True) -> str:
    """Return a moment in local time: `15:42:07` today, `11-23 15:42` this year, `2025-11-23` else."""
    if moment is None:
        return ""
    local, today = _local(moment), _local(now)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d")


def full_time(moment: Millis | None) -> str:
    """Return a moment in local time with its date."""
    return "" if moment is None else _local(moment).strftime("%Y-%m-%d %H:%M:%S")


def _local(moment: Millis) -> datetime:
    try:
        return as_datetime(moment).astimezone()
    except (OverflowError, OSError, ValueError):  # near the ends of the calendar
        return as_datetime(0)


def ago_text(moment: Millis, *, now: Millis) -> str:
    """Return how long ago: `less than a minute ago`, `3 min ago`."""
    length = now - moment
    return "less than a minute ago" if length < 60_000 else f"{duration_text(length)} ago"


def shown_level(incident: Incident) -> Level | None:
    """Return the level to draw: an open incident is never OK; None if it closed without a recovery."""
    if incident.open:
        return worst(incident.level, Level.INFO)
    return Level.OK if incident.closed_by in {Change.RECOVERED, Change.RESOLVED} else None


def level_text(stored: StoredIncident, language: Language, *, unconfirmed: bool) -> str:
    """Return level, missing data and lacking confirmation of an open incident; of a closed one how it ended."""
    incident = stored.incident
    if not incident.open:
        return closed_text(incident, language)
    words = [language.say(worst(incident.level, Level.INFO))]
    if incident.no_data:
        words.append(language.say("no data"))
    if unconfirmed:
        words.append(language.say("unconfirmed"))
    return language.say(", ").join(words)


def closed_text(incident: Incident, language: Language) -> str:
    """Return how a closed incident ended."""
    words = [ending_text(incident.closed_by, language)]
    if not incident.start_known:
        words.append(language.say("start unknown"))
    return language.say(", ").join(words)


def lasted_text(incident: Incident, language: Language, *, now: Millis) -> str:
    """Return how long an incident has been open, or was."""
    if not incident.start_known:
        return language.say("unknown")
    ended_at = now if incident.closed_at is None else incident.closed_at
    return localised_duration(ended_at - incident.opened_at, language)


def incident_name(stored: StoredIncident, language: Language) -> str:
    """Return the rule's name, else the kind."""
    alert = stored.alert.alert
    if alert.kind == UNRECOGNISED:
        return ": ".join(filter(None, ("Callback not understood", printable(alert.name))))
    return name_text(alert, language) or f"({alert.kind})"


def sender_text(sender: str, origin: SenderOrigin) -> str:
    """Say where a callback came from; the address is what the network, or a trusted proxy, claims."""
    address = printable(sender, limit=60)
    match origin:
        case SenderOrigin.CLOUD_MONITOR:
            return f"from Cloud Monitor ({address})"
        case SenderOrigin.OTHER:
            return f"from another address ({address})"
        case _:
            local = address.startswith("127.") or address == "::1"
            return "from this computer or a tunnel" if local else f"from a private network or a tunnel ({address})"
