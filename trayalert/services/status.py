"""The state of the program in one object, whether an instance runs or not."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from trayalert import __version__
from trayalert.domain.reach import Reach
from trayalert.domain.settings import Settings
from trayalert.domain.stored import Totals
from trayalert.domain.times import iso


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

    @property
    def reach(self) -> Reach:
        """Blind with the door shut; with it open unknown, as nothing proves more."""
        return Reach.UNKNOWN if self.open else Reach.BLIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What only the running instance knows."""

    front: str
    pid: int
    http_parser: str
    door: Door
    door_counts: dict[str, Any] = field(default_factory=dict)


def read_running(told: dict[str, Any]) -> Running:
    """Read what a running instance tells; it may be of another version, and what it tells beyond ours is left out."""
    own: dict[str, Any] = {each.name: told.get(each.name) for each in fields(Running)}
    counts = told.get("door_counts") or {}
    own["door_counts"] = counts | {"last_probe_at": iso(counts.get("last_probe_at"))}
    own["door"] = Door(**{each.name: told["door"].get(each.name) for each in fields(Door)})
    return Running(**own)


NO_TOTALS = Totals(alerts=0, deliveries=0, unrecognised=0, open_incidents=0, last_callback_at=None)


def callback_url(settings: Settings, host: str, port: int, secret: str) -> str:
    """Return the URL for Cloud Monitor: the public one where the settings know it, else the local one."""
    local = local_url(host, port, tls=settings.tls_certificate is not None)
    return f"{settings.public_url or local}/hook/{secret}"


def local_url(host: str, port: int, *, tls: bool = False) -> str:
    """Return the address of the listener as this computer reaches it."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read
    return address(reached, port, tls=tls)


def address(host: str, port: int, *, tls: bool = False) -> str:
    """Return host and port as a URL."""
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def status(
    *, settings: Settings, problems: tuple[str, ...], totals: Totals, running: Running | None, data_dir: str
) -> dict[str, Any]:
    """Return the object of `trayalert status --json`. It holds no secret."""
    door = running.door if running else Door(host=settings.host, port=settings.port, open=False)
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
        "callback_url": callback_url(settings, door.host, door.port, "***"),
        "public_url": settings.public_url,
        "reach": door.reach,
        "settings_problems": list(problems),
        **asdict(totals) | {"last_callback_at": iso(totals.last_callback_at)},
        "data_dir": data_dir,
        "version": __version__,
    }
