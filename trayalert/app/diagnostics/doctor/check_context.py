"""What the doctor's checks are given, and what they return."""

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
    """The doctor's access to other machines. All functions may take long, and may raise OSError."""

    resolve: Callable[[str], tuple[str, ...]] = remote_lookups.resolve
    """Returns the addresses of a host."""
    expiry: Callable[[str, int], Millis] = remote_lookups.expiry
    """Returns when the certificate that a host presents expires.

    Raises ssl.SSLError if the certificate is not trusted.
    """
    ahead: Callable[[str], Millis | None] = remote_lookups.ahead
    """Returns how far the clock of a URL's server is ahead of this computer's clock, or None if unknown."""
    proxied: Callable[[str], bool] = remote_lookups.proxied
    """Returns whether the environment or the system names a proxy for a URL."""
    console: Callable[[Site], str] = remote_lookups.console
    """Returns the URL of a site's console, with no path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """What the checks are about.

    `running` is the status of the running instance, or None if no instance answers. `raw_status` is the JSON object
    from which that status was read. `no_reply_reason` is a sentence that says why an instance could not be asked, or
    None. `problems` are sentences about mistakes in the settings.
    """

    places: Places
    lookups: RemoteLookups
    settings: Settings
    problems: tuple[str, ...] = ()
    running: InstanceStatus | None = None
    raw_status: Mapping[str, Any] = field(default_factory=dict)
    no_reply_reason: str | None = None

    @property
    def headless(self) -> bool:
        """Whether the running instance is `trayalert serve`, which needs no desktop."""
        return self.running is not None and self.running.mode == "serve"

    def status_object(self, name: str) -> Mapping[str, Any]:
        """Return an object of the running instance's status, or an empty object.

        An instance of an older version may not report the object.
        """
        value = self.raw_status.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that contain secrets."""
        token = self.settings.tunnel.token_file if self.settings.tunnel else None
        return (self.places.secrets, Path(token).expanduser()) if token else (self.places.secrets,)

    @property
    def public_url(self) -> str | None:
        """The public address, from the settings or else from the running instance."""
        found = (
            self.settings.public_url
            or self.status_object("reach").get("public_url")
            or self.status_object("tunnel").get("url")
        )
        return str(found) if found else None


class CheckResult(NamedTuple):
    """The result of a check, without the name of the check."""

    verdict: Verdict
    message: str
    advice: str | None = None


def ok(message: str) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult(Verdict.OK, message)


def warn(message: str, advice: str | None = None) -> CheckResult:
    """Return the result for something that works or could work, but has a problem."""
    return CheckResult(Verdict.WARN, message, advice)


def fail(message: str, advice: str | None = None) -> CheckResult:
    """Return the result for something that loses callbacks, will lose callbacks, or keeps trayalert from running."""
    return CheckResult(Verdict.FAIL, message, advice)


def fail_by_fault(fault: Fault) -> CheckResult:
    """Return the result for a fault. The sentences of its message after the first become the advice."""
    message, point, advice = str(fault).partition(". ")
    return fail(f"{message}." if point else message, as_sentence(advice) or None)
