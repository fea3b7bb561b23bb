"""Alerts, incidents and gaps as JSON objects for scripts. The objects do not depend on the user's language.

The keys are a stable contract: see README and CHANGELOG.
"""

import base64
import json
from dataclasses import asdict
from typing import Any

from trayalert.domain.gap import Gap
from trayalert.domain.incident.alert import SILENCE, Alert
from trayalert.domain.incident.console_link import LinkTable, console_links
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis, iso
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.alert_text import metric_title, metric_unit

Record = dict[str, Any]

_LINE_ENDS = str.maketrans({character: f"\\u{ord(character):04x}" for character in "\x85\u2028\u2029"})
"""Maps unusual line ends to JSON escapes, for `str.translate`.

JSON allows these characters unescaped in a string, but many scripts treat these characters as the end of a line.
"""


def json_line(record: Record) -> str:
    """Return an object as one line of JSON. Characters that a script could take for a line end are escaped."""
    return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS)


def alert_record(stored: StoredAlert, links: LinkTable, source_addresses: SourceAddresses) -> Record:
    """Return the JSON object for an alert.

    The object has the key `raw` only if `stored` contains the body of the callback.
    """
    alert = stored.alert
    record: Record = {
        "id": stored.id,
        "received_at": iso(stored.received_at),
        "at": iso(alert.at),
        "kind": alert.kind,
        "state": alert.state,
        "level": alert.level,
        "previous_level": alert.previous_level,
        "name": alert.name,
        "rule_id": alert.rule_id,
        "metric": alert.metric,
        "metric_title": metric_title(alert),
        "value": alert.value,
        "value_text": alert.value_text,
        "unit": metric_unit(alert),
        "expression": alert.expression,
        "namespace": alert.namespace,
        "region": alert.region,
        "resource_id": alert.resource_id,
        "resource_name": alert.resource_name,
        "account_id": alert.account_id,
        "group": alert.group,
        "address": alert.address,
        "message": alert.message,
        "dimensions": dict(alert.dimensions),
        "incident_id": stored.incident_id,
        "late": stored.late,
        "deliveries": stored.deliveries,
        "sender": stored.sender or None,
        "sender_origin": source_addresses.origin(stored.sender),
        **_links(alert, links),
        "fields": dict(alert.fields),
    }
    if stored.raw is not None:
        record["raw"] = base64.b64encode(stored.raw).decode("ascii")
    return record


def incident_record(stored: StoredIncident, links: LinkTable, *, now: Millis, mute_period: Millis) -> Record:
    """Return the JSON object for an incident. Keys that are reserved for later versions are null or false.

    The key `unconfirmed` is computed from `now` and `mute_period` (see `is_unconfirmed`).
    """
    incident, alert = stored.incident, stored.alert.alert
    return {
        "id": incident.id,
        "key": incident.key,
        "state": "open" if incident.open else "closed",
        "level": incident.level,
        "worst_level": incident.worst_level,
        "no_data": incident.no_data,
        "unconfirmed": is_unconfirmed(stored, now=now, mute_period=mute_period),
        "opened_at": iso(incident.opened_at),
        "start_known": incident.start_known,
        "closed_at": iso(incident.closed_at),
        "closed_by": incident.closed_by,
        "name": alert.name,
        "resource_id": alert.resource_id,
        "resource_name": alert.resource_name,
        "namespace": alert.namespace,
        "region": alert.region,
        "alerts": incident.alerts,
        "acknowledged_at": None,
        "snoozed_until": None,
        "muted": False,
        "last_value": alert.value,
        **_links(alert, links),
    }


def gap_record(gap: Gap, *, now: Millis) -> Record:
    """Return the JSON object for a gap.

    The key `seconds` is the length of the gap. If the gap has not ended, its length is measured until `now`.
    """
    return {
        "id": gap.id,
        "cause": gap.cause,
        "began_at": iso(gap.began_at),
        "ended_at": iso(gap.ended_at),
        "seconds": gap.length(now) / 1000,
        "why": gap.why,
    }


def _links(alert: Alert, table: LinkTable) -> Record:
    found = console_links(alert, table)
    return {"console_url": found[0].url if found else None, "links": [asdict(link) for link in found]}


def mute_period(settings: Settings) -> Millis:
    """Return the time after which an open incident without a new alert counts as unconfirmed, in milliseconds."""
    return round(settings.unconfirmed_after_hours * 3_600_000)


def is_unconfirmed(stored: StoredIncident, *, now: Millis, mute_period: Millis) -> bool:
    """Return whether an incident is unconfirmed.

    An open incident is unconfirmed after no alert has come for `mute_period` milliseconds. The OK of the incident may
    have been lost. A silence is never unconfirmed.
    """
    if stored.alert.alert.kind == SILENCE:  # no alert repeats a silence, and the watcher closes it
        return False
    return stored.incident.open and now - stored.incident.last_received_at > mute_period
