"""Alerts, incidents and counts as they are read from the log."""

from dataclasses import dataclass
from typing import NamedTuple

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.incident import Incident
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert in the log."""

    id: int
    received_at: Millis
    incident_id: int | None
    deliveries: int
    """Number of deliveries of the alert, including retries."""
    late: bool
    """Whether the incident of the alert had already ended when the alert was received."""
    alert: Alert
    sender: str = ""
    """The address that the first delivery came from."""
    too_large: bool = False
    """Whether the body of the first delivery was so large that `alert.fields` was not read from it."""
    raw: bytes | None = None
    """The body of the first delivery, or None if the body was not requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIncident:
    """An incident in the log. `alert` is its latest alert by event time, which represents the incident."""

    incident: Incident
    alert: StoredAlert


@dataclass(frozen=True, slots=True)
class SecretUse:
    """How often the secret `name` was used, and when the secret was last used.

    `deliveries` is the number of deliveries that used the secret.
    """

    name: str
    deliveries: int
    last_at: Millis


class LastReport(NamedTuple):
    """The latest report of one rule on one resource.

    `domain/settings/expected_callback.py` says what counts as a report.
    """

    kind: str
    name: str | None
    rule_id: str | None
    namespace: str | None
    resource_id: str | None
    resource_name: str | None
    received_at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts for the whole log, and the time at which the most recent callback came."""

    alerts: int
    deliveries: int
    unrecognised: int
    open_incidents: int
    last_callback_at: Millis | None
