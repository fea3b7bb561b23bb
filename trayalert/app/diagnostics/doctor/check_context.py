"""What the doctor's checks look at, and their results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trayalert.app.diagnostics.doctor import remote_lookups
from trayalert.app.platform.places import Places
from trayalert.domain.check_result import Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.incident.console_link import Site
from trayalert.domain.settings.settings import Settings
from trayalert.domain.text import as_sentence
from trayalert.domain.times import Millis
from trayalert.services.presentation.status import InstanceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLookups:
    """How the doctor looks beyond this computer. All functions may raise OSError or take long."""

    resolve: Callable[[str], tuple[str, ...]] = remote_lookups.resolve
    """The addresses of a host."""
    expiry: Callable[[str, int], Millis] = remote_lookups.expiry
    """When the certificate ends that a host presents; raises ssl.SSLError where it is not trusted."""
    ahead: Callable[[str], Millis | None] = remote_lookups.ahead
    """How far the clock of the server of a URL is ahead of ours."""
    proxied: Callable[[str], bool] = remote_lookups.proxied
    """Whether the environment names a proxy for a URL."""
    console: Callable[[Site], str] = remote_lookups.console
    """The URL of a site's console, with no path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """`running` is None if no instance answers, `no_reply_reason` says why. `raw_status` is what it sent."""

    places: Places
    lookups: RemoteLookups
    settings: Settings
    problems: tuple[str, ...] = ()
    running: InstanceStatus | None = None
    raw_status: Mapping[str, Any] = field(default_factory=dict)
    no_reply_reason: str | None = None

    @property
    def headless(self) -> bool:
        """Whether `trayalert serve` runs, which needs no desktop."""
        return self.running is not None and self.running.mode == "serve"

    def status_object(self, name: str) -> Mapping[str, Any]:
        """Return an object of the running instance's status, an empty one if the instance is too old."""
        value = self.raw_status.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that hold secrets."""
        token = self.settings.tunnel.token_file if self.settings.tunnel else None
        return (self.places.secrets, Path(token).expanduser()) if token else (self.places.secrets,)

    @property
    def public_url(self) -> str | None:
        """The public address as the settings or the running instance know it."""
        found = (
            self.settings.public_url
            or self.status_object("reach").get("public_url")
            or self.status_object("tunnel").get("url")
        )
        return str(found) if found else None


class CheckResult(NamedTuple):
    """The result of a check, without its name."""

    verdict: Verdict
    message: str
    advice: str | None = None


def ok(message: str) -> CheckResult:
    """All is well."""
    return CheckResult(Verdict.OK, message)


def warn(message: str, advice: str | None = None) -> CheckResult:
    """It works, or could, but not as it should."""
    return CheckResult(Verdict.WARN, message, advice)


def fail(message: str, advice: str | None = None) -> CheckResult:
    """Callbacks are or will be lost by it, or trayalert cannot run."""
    return CheckResult(Verdict.FAIL, message, advice)


def fail_by_fault(fault: Fault) -> CheckResult:
    """Return the result for a fault of the world, whose last sentences are the advice."""
    message, point, advice = str(fault).partition(". ")
    return fail(f"{message}." if point else message, as_sentence(advice) or None)
