"""The wording of incidents for the tray, the table and the details. All times are shown as local time.

A fact is worded in the same way wherever it is shown. The module does not use Qt.
"""

from trayalert.domain.incident.alert import UNRECOGNISED
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import Phrase
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, duration_text, local_text, moment_text
from trayalert.domain.wording.language import Language, ending_text, localised_duration
from trayalert.services.access.source_address import SenderOrigin
from trayalert.services.presentation.alert_text import name_text


def local_time(moment: Millis | None, *, now: Millis) -> str:
    """Return a local time as `moment_text` formats it, or an empty string if `moment` is None."""
    return "" if moment is None else moment_text(moment, now=now)


def full_time(moment: Millis | None) -> str:
    """Return a local date and time such as `2025-11-23 15:42:07`, or an empty string if `moment` is None."""
    return "" if moment is None else local_text(moment, "%Y-%m-%d %H:%M:%S")


def ago_text(moment: Millis, *, now: Millis) -> str:
    """Return the time that has passed since `moment`, such as `less than a minute ago` or `3 min ago`."""
    length = now - moment
    if length < 60_000:
        return Phrase("less than a minute ago")
    return Phrase("{duration} ago", duration=duration_text(length))


def shown_level(incident: Incident) -> Level | None:
    """Return the level that determines an incident's icon and style.

    - open incident: the incident's level, but at least INFO
    - incident that recovered or was marked as recovered: OK
    - incident that ended in another way: None
    """
    if incident.open:
        return worst(incident.level, Level.INFO)
    return Level.OK if incident.closed_by in {Change.RECOVERED, Change.RESOLVED} else None


def level_text(stored: StoredIncident, language: Language, *, unconfirmed: bool) -> str:
    """Return the text of an incident's Level cell.

    For an open incident, the text is the level, followed by "no data" and "unconfirmed" if they apply. For a closed
    incident, the text says how the incident ended.
    """
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
    """Return a phrase that says how a closed incident ended, and whether its start is unknown."""
    words = [ending_text(incident.closed_by, language)]
    if not incident.start_known:
        words.append(language.say("start unknown"))
    return language.say(", ").join(words)


def lasted_text(incident: Incident, language: Language, *, now: Millis) -> str:
    """Return the duration of an incident, or the word for "unknown" if the incident's start is unknown.

    The duration of an open incident is measured until `now`.
    """
    if not incident.start_known:
        return language.say("unknown")
    ended_at = now if incident.closed_at is None else incident.closed_at
    return localised_duration(ended_at - incident.opened_at, language)


def incident_name(stored: StoredIncident, language: Language) -> str:
    """Return the name of an incident: the name of its rule, or the alert's kind in brackets if the rule has no name.

    The name of an unrecognised callback begins with "Callback not understood".
    """
    alert = stored.alert.alert
    if alert.kind == UNRECOGNISED:
        name = printable(alert.name)
        if name:
            return language.say("Callback not understood: {name}", name=name)
        return language.say("Callback not understood")
    return name_text(alert, language) or f"({alert.kind})"


def sender_text(sender: str, origin: SenderOrigin) -> str:
    """Return a phrase that names the sender of a callback, such as `Cloud Monitor (ADDRESS)`.

    `sender` is the source address as the network or a trusted proxy reports it. The address is not verified.
    """
    address = printable(sender, limit=60)
    match origin:
        case SenderOrigin.CLOUD_MONITOR:
            return Phrase("Cloud Monitor ({address})", address=address)
        case SenderOrigin.OTHER:
            return Phrase("another address ({address})", address=address)
    if address.startswith("127.") or address == "::1":
        return Phrase("this computer or a tunnel")
    return Phrase("a private network or a tunnel ({address})", address=address)
