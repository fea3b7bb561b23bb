"""The context that the doctor's checks are given, and the results that they return."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trayalert.app.diagnostics.doctor import remote_lookups
from trayalert.app.platform.places import Places
from trayalert.domain.check_result import Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.incident.console_link import Site
from trayalert.domain.phrase import first_sentence, further_sentences
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.services.presentation.status import InstanceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLookups:
    """Functions that query other computers for the doctor. A function may take several seconds or raise OSError."""

    resolve: Callable[[str], tuple[str, ...]] = remote_lookups.resolve
    """Returns the IP addresses of a host."""
    expiry: Callable[[str, int], Millis] = remote_lookups.expiry
    """Returns the expiry time of the certificate that a host presents on a port.

    Raises ssl.SSLError if the certificate is not trusted.
    """
    ahead: Callable[[str], Millis | None] = remote_lookups.ahead
    """Returns by how many milliseconds the clock of a URL's server is ahead of this computer's clock.

    Returns None if the difference is unknown.
    """
    proxied: Callable[[str], bool] = remote_lookups.proxied
    """Returns whether the environment or the system specifies a proxy for a URL."""
    console: Callable[[Site], str] = remote_lookups.console
    """Returns the URL of the console for an Alibaba Cloud site, without a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """The information that the doctor's checks use."""

    places: Places
    lookups: RemoteLookups
    settings: Settings
    problems: tuple[str, ...] = ()
    """Sentences about mistakes in the settings."""
    running: InstanceStatus | None = None
    """The status of the running instance, or None if no instance answers."""
    raw_status: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object from which `running` was read. The object is empty if `running` is None."""
    no_reply_reason: str | None = None
    """A sentence that says why the status of the running instance could not be read, or None."""

    @property
    def headless(self) -> bool:
        """Whether the running instance is `trayalert serve`, which needs no desktop."""
        return self.running is not None and self.running.mode == "serve"

    def status_object(self, name: str) -> Mapping[str, Any]:
        """Return the object with the given name from the status of the running instance.

        Return an empty object if no instance answers, or if the instance is too old to report the object.
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
        """The public address, or None if it is unknown.

        The settings take precedence over the status of the running instance.
        """
        found = (
            self.settings.public_url
            or self.status_object("reach").get("public_url")
            or self.status_object("tunnel").get("url")
        )
        return str(found) if found else None


class CheckResult(NamedTuple):
    """The result of a check, without the check's name. `advice` says what the user should do, or is None."""

    verdict: Verdict
    message: str
    advice: str | None = None


def ok(message: str) -> CheckResult:
    """Return the result of a check that has found nothing wrong."""
    return CheckResult(Verdict.OK, message)


def warn(message: str, advice: str | None = None) -> CheckResult:
    """Return a warning: something works or could work, but has a problem."""
    return CheckResult(Verdict.WARN, message, advice)


def fail(message: str, advice: str | None = None) -> CheckResult:
    """Return a failure: callbacks are lost or will be lost, or trayalert cannot run."""
    return CheckResult(Verdict.FAIL, message, advice)


def fail_by_fault(fault: Fault) -> CheckResult:
    """Return a failure for a fault.

    The first sentence of the fault's message becomes the message of the result. The other sentences become the advice.
    """
    text = str(fault)
    advice = further_sentences(text)
    return fail(first_sentence(text), advice) if advice else fail(text)
