"""The state of the program in one object, whether an instance runs or not."""

from dataclasses import asdict, dataclass, fields
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


def read_running(told: dict[str, Any]) -> Running:
    """Read what a running instance tells; it may be of another version, and what it tells beyond ours is left out."""
    own: dict[str, Any] = {field.name: told.get(field.name) for field in fields(Running)}
    own["door"] = Door(**{field.name: told["door"].get(field.name) for field in fields(Door)})
    return Running(**own)


NO_TOTALS = Totals(alerts=0, deliveries=0, unrecognised=0, open_incidents=0, last_callback_at=None)


def callback_url(settings: Settings, host: str, port: int, secret: str) -> str:
    """Return the URL for Cloud Monitor: the public one where the settings know it, else the local one."""
    return f"{settings.public_url or local_url(host, port)}/hook/{secret}"


def local_url(host: str, port: int) -> str:
    """Return the address of the listener as this computer reaches it."""
    return address({"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host), port)  # noqa: S104 - read


def address(host: str, port: int) -> str:
    """Return host and port as a URL."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
        "http_parser": running.http_parser if running else None,
        "callback_url": callback_url(settings, door.host, door.port, "***"),
        "public_url": settings.public_url,
        "reach": door.reach,
        "settings_problems": list(problems),
        **asdict(totals) | {"last_callback_at": iso(totals.last_callback_at)},
        "data_dir": data_dir,
        "version": __version__,
    }
