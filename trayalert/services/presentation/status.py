"""The state of the program in one object, whether an instance runs or not."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trayalert import __version__
from trayalert.domain.events import UrlChanged
from trayalert.domain.incident.stored import Totals
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import iso
from trayalert.domain.tunnel import TunnelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The listener as it is: where it listens, or why it does not."""

    host: str
    port: int
    open: bool
    problem: str | None = None
    tls: bool = False
    note: str | None = None
    """What is wrong with it though it is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What only the running instance knows."""

    front: str
    pid: int
    http_parser: str
    door: Door
    door_counts: dict[str, Any] = field(default_factory=dict)
    probing: str | None = None
    turned_away: str | None = None
    mistyped: str | None = None
    log_state: LogState | None = None
    """None where it is too old to tell."""
    reach: ReachState = field(default_factory=ReachState)
    tunnel: TunnelState = field(default_factory=TunnelState)
    url_changed: UrlChanged | None = None
    metrics_port: int | None = None


_MOMENTS = ("last_probe_at", "last_turned_away_at", "last_mistyped_at", "lost_at")
"""What of the door's counts is a moment."""


def read_running(told: dict[str, Any]) -> Running:
    """Read what a running instance tells; it may be of another version, and what it tells beyond ours is left out."""
    own: dict[str, Any] = {each.name: told.get(each.name) for each in fields(Running)}
    counts = told.get("door_counts") or {}
    own["door_counts"] = counts | {name: iso(counts.get(name)) for name in _MOMENTS}
    own["door"] = Door(**{each.name: told["door"].get(each.name) for each in fields(Door)})
    own["log_state"] = _read_log_state(told.get("log_state"))
    own["reach"] = ReachState(**_known(ReachState, told.get("reach")))
    own["tunnel"] = TunnelState(**_known(TunnelState, told.get("tunnel")))
    changed = told.get("url_changed")
    own["url_changed"] = UrlChanged(**changed) if changed else None
    return Running(**own)


def _known(what: type[ReachState | TunnelState], told: Any) -> dict[str, Any]:
    return {each.name: told[each.name] for each in fields(what) if each.name in told} if isinstance(told, dict) else {}


def _read_log_state(told: Any) -> LogState | None:
    if not isinstance(told, dict):
        return None
    return LogState(
        storing=bool(told.get("storing", True)),
        problems=tuple(told.get("problems") or ()),
        news=tuple(told.get("news") or ()),
        salvaging=bool(told.get("salvaging")),
    )


NO_TOTALS = Totals(alerts=0, deliveries=0, unrecognised=0, open_incidents=0, last_callback_at=None)


def callback_url(public_url: str | None, door: Door, secret: str) -> str:
    """Return the URL for Cloud Monitor: the public one where it is known, else the local one."""
    return f"{public_url or local_url(door.host, door.port, tls=door.tls)}/hook/{secret}"


def shut_door(settings: Settings) -> Door:
    """Return the door of a program that does not run."""
    return Door(host=settings.host, port=settings.port, open=False, tls=settings.tls_certificate is not None)


def local_url(host: str, port: int, *, tls: bool = False) -> str:
    """Return the address of the listener as this computer reaches it."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read
    return address(reached, port, tls=tls)


def address(host: str, port: int, *, tls: bool = False) -> str:
    """Return host and port as a URL."""
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def status(
    *,
    settings: Settings,
    problems: tuple[str, ...],
    totals: Totals | None,
    log_problem: str | None = None,
    crashes: tuple[str, ...] = (),
    running: Running | None,
    data_dir: str,
) -> dict[str, Any]:
    """Return the object of `trayalert status --json`. It holds no secret.

    `totals` is None where the log cannot be read; `log_problem` says why. `crashes` are files that nobody has seen yet.
    """
    door = running.door if running else shut_door(settings)
    log = running.log_state if running else None
    public_url = (running.reach.public_url if running else None) or settings.public_url
    log_problems = (*(log.problems if log else ()), *((log_problem,) if log_problem else ()))
    return {
        "running": running is not None,
        "front": running.front if running else None,
        "pid": running.pid if running else None,
        "host": door.host,
        "port": door.port,
        "listening": door.open,
        "door_problem": door.problem,
        "door_note": door.note,
        "door_counts": running.door_counts if running else None,
        "http_parser": running.http_parser if running else None,
        "callback_url": callback_url(public_url, door, "***"),
        "public_url": public_url,
        **_reach_of(running),
        "metrics_port": running.metrics_port if running else None,
        "storing": log.storing if log else None,
        "log_problems": list(dict.fromkeys(log_problems)),
        "log_news": list(log.news) if log else [],
        "salvaging": log.salvaging if log else None,
        "probing": running.probing if running else None,
        "turned_away": running.turned_away if running else None,
        "mistyped": running.mistyped if running else None,
        "crashes": list(crashes),
        "settings_problems": list(problems),
        **_counted(totals),
        "data_dir": data_dir,
        "version": __version__,
    }


def _reach_of(running: Running | None) -> dict[str, Any]:
    reach = running.reach if running else ReachState(reach=Reach.BLIND, why="trayalert is not running.")
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


def _counted(totals: Totals | None) -> dict[str, Any]:
    if totals is None:
        return {each.name: None for each in fields(Totals)}
    return asdict(totals) | {"last_callback_at": iso(totals.last_callback_at)}
