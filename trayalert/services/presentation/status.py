"""The status of the program as one object, whether or not an instance is running."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trayalert import __version__
from trayalert.domain.events import UrlChanged
from trayalert.domain.incident.stored_alert import Totals
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.log_state import LogState
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import iso
from trayalert.domain.tunnel import TunnelState


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """The part of the status that only a running instance knows."""

    mode: str
    pid: int
    http_parser: str
    listener: ListenerState
    listener_counts: dict[str, Any] = field(default_factory=dict)
    secret_guesses: str | None = None
    turned_away: str | None = None
    mistyped: str | None = None
    log_state: LogState | None = None
    """The state of the log, or None if the instance runs a version too old to send this field."""
    reach: ReachabilityState = field(default_factory=ReachabilityState)
    tunnel: TunnelState = field(default_factory=TunnelState)
    url_changed: UrlChanged | None = None
    metrics_port: int | None = None


_TIMESTAMP_KEYS = ("last_probe_at", "last_turned_away_at", "last_mistyped_at", "lost_at")
"""Keys in the listener's counts whose values are timestamps."""
_WIRE_KEYS = {"mode": "front", "listener": "door", "listener_counts": "door_counts", "secret_guesses": "probing"}
"""Maps the names of some fields of InstanceStatus to their keys on the control socket.

The key of every other field is the field's name. The keys are part of the protocol, so a field that is renamed keeps
its key.
"""


def instance_record(instance: InstanceStatus) -> dict[str, Any]:
    """Return the object that a running instance sends over the control socket."""
    return {_WIRE_KEYS.get(name, name): value for name, value in asdict(instance).items()}


def read_instance_status(reported: dict[str, Any]) -> InstanceStatus:
    """Read the object that a running instance has sent.

    The instance may run another version of trayalert. Unknown keys are therefore ignored.
    """
    names = [each.name for each in fields(InstanceStatus)]
    own: dict[str, Any] = {name: reported.get(_WIRE_KEYS.get(name, name)) for name in names}
    counts = own["listener_counts"] or {}
    own["listener_counts"] = counts | {name: iso(counts.get(name)) for name in _TIMESTAMP_KEYS}
    own["listener"] = ListenerState(**{each.name: own["listener"].get(each.name) for each in fields(ListenerState)})
    own["log_state"] = _read_log_state(reported.get("log_state"))
    own["reach"] = ReachabilityState(**_known_fields(ReachabilityState, reported.get("reach")))
    own["tunnel"] = TunnelState(**_known_fields(TunnelState, reported.get("tunnel")))
    changed = reported.get("url_changed")
    own["url_changed"] = UrlChanged(**changed) if changed else None
    return InstanceStatus(**own)


def _known_fields(state_type: type[ReachabilityState | TunnelState], reported: Any) -> dict[str, Any]:
    reported = reported if isinstance(reported, dict) else {}
    return {each.name: reported[each.name] for each in fields(state_type) if each.name in reported}


def _read_log_state(reported: Any) -> LogState | None:
    if not isinstance(reported, dict):
        return None
    return LogState(
        storing=bool(reported.get("storing", True)),
        problems=tuple(reported.get("problems") or ()),
        news=tuple(reported.get("news") or ()),
        salvaging=bool(reported.get("salvaging")),
    )


NO_TOTALS = Totals(alerts=0, deliveries=0, unrecognised=0, open_incidents=0, last_callback_at=None)


def callback_url(public_url: str | None, listener: ListenerState, secret: str) -> str:
    """Return the callback URL for Cloud Monitor.

    If the public address is not known, the URL contains the local address of the listener.
    """
    return f"{public_url or listener.local.url}/hook/{secret}"


def closed_listener(settings: Settings) -> ListenerState:
    """Return the state of the listener while no instance is running."""
    return ListenerState(host=settings.host, port=settings.port, open=False, tls=settings.tls_certificate is not None)


def status(
    *,
    settings: Settings,
    problems: tuple[str, ...],
    totals: Totals | None,
    log_problem: str | None = None,
    crashes: tuple[str, ...] = (),
    running: InstanceStatus | None,
    data_dir: str,
) -> dict[str, Any]:
    """Return the object that `trayalert status --json` prints, without the entries about backups.

    The object contains no secret. The parameters are:

    - `problems`: sentences about problems of the settings
    - `totals`: None if the log cannot be read
    - `log_problem`: a sentence that says why the log cannot be read, or None
    - `crashes`: the paths of crash files that the user has not seen yet
    - `running`: None if no instance is running
    """
    listener = running.listener if running else closed_listener(settings)
    log = running.log_state if running else None
    public_url = (running.reach.public_url if running else None) or settings.public_url
    log_problems = (*(log.problems if log else ()), *((log_problem,) if log_problem else ()))
    return {
        "running": running is not None,
        "front": running.mode if running else None,
        "pid": running.pid if running else None,
        "host": listener.host,
        "port": listener.port,
        "listening": listener.open,
        "door_problem": listener.problem,
        "door_note": listener.note,
        "door_counts": running.listener_counts if running else None,
        "http_parser": running.http_parser if running else None,
        "callback_url": callback_url(public_url, listener, "***"),
        "public_url": public_url,
        **_reachability_fields(running),
        "metrics_port": running.metrics_port if running else None,
        "storing": log.storing if log else None,
        "log_problems": list(dict.fromkeys(log_problems)),
        "log_news": list(log.news) if log else [],
        "salvaging": log.salvaging if log else None,
        "probing": running.secret_guesses if running else None,
        "turned_away": running.turned_away if running else None,
        "mistyped": running.mistyped if running else None,
        "crashes": list(crashes),
        "settings_problems": list(problems),
        **_total_fields(totals),
        "data_dir": data_dir,
        "version": __version__,
    }


def _reachability_fields(running: InstanceStatus | None) -> dict[str, Any]:
    reach = (
        running.reach
        if running
        else ReachabilityState(reach=Reachability.BLIND, why=Phrase("trayalert is not running."))
    )
    tunnel = running.tunnel if running and running.tunnel.kind else None
    return {
        "reach": reach.reach,
        "reach_since": iso(reach.since),
        "reach_why": reach.why,
        "probed_at": iso(reach.probed_at),
        "reachable_at": iso(reach.reachable_at),
        "probe_ms": reach.probe_ms,
        "tunnel": tunnel and asdict(tunnel) | {"since": iso(tunnel.since), "until": iso(tunnel.until)},
        "url_changed": asdict(running.url_changed) if running and running.url_changed else None,
    }


def _total_fields(totals: Totals | None) -> dict[str, Any]:
    if totals is None:
        return {each.name: None for each in fields(Totals)}
    return asdict(totals) | {"last_callback_at": iso(totals.last_callback_at)}
