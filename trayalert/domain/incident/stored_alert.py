"""Alerts and incidents as they are read from the log, with their ids."""

from dataclasses import dataclass
from typing import NamedTuple

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.incident import Incident
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert in the log. `deliveries` counts retries too; `late`: its incident was over when it came."""

    id: int
    received_at: Millis
    incident_id: int | None
    deliveries: int
    late: bool
    alert: Alert
    sender: str = ""
    """The address that its first delivery came from."""
    too_large: bool = False
    """Whether the body of the first delivery was too large for `alert.fields` to be read."""
    raw: bytes | None = None
    """The body of the first delivery, if requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIncident:
    """An incident in the log with the alert that represents it (the latest by event time)."""

    incident: Incident
    alert: StoredAlert


@dataclass(frozen=True, slots=True)
class SecretUse:
    """How many deliveries had the secret of a name, and when the last one came."""

    name: str
    deliveries: int
    last_at: Millis


class LastReport(NamedTuple):
    """The last report of a rule and resource; see `domain/settings/expected_callback.py`."""

    kind: str
    name: str | None
    rule_id: str | None
    namespace: str | None
    resource_id: str | None
    resource_name: str | None
    received_at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts over the whole log."""

    alerts: int
    deliveries: int
    unrecognised: int
    open_incidents: int
    last_callback_at: Millis | None
