"""Sends callbacks the way Cloud Monitor does: with the same headers, timeout and number of retries."""

import http.client
import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from trayalert.domain.callback import SENDER_HEADERS, SENDER_TIMEOUT
from trayalert.domain.fault import os_error_text
from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList
from trayalert.domain.times import Millis
from trayalert.resource_files import read_text, resource_path
from trayalert.services.simulator.payloads import SendFault, SimulatedRequest

RETRIES = 3
RETRY_PAUSE = 1.0
"""Seconds to wait before each retry. Cloud Monitor's own pause is not documented."""

_REASONS = {
    404: Phrase("the URL is not the callback URL (`trayalert url` prints it)"),
    413: Phrase("it is too large"),
    503: Phrase("it could not be stored"),
}
_IDLE_LIMIT = 5.0
"""Seconds after which an idle connection is replaced. The receiver may already have closed such a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The result of sending a callback.

    `status` is the HTTP status of the last try, or None if the last try got no response. `problem` is a sentence that
    says why the receiver did not accept the callback, or None for an accepted callback. `seconds` is the total time of
    all tries and pauses.
    """

    status: int | None
    problem: str | None
    tries: int
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether the receiver accepted the callback."""
        return self.status == 200


SAMPLE_TITLES = {
    "alertmanager": N_("Alertmanager: restarts of a pod"),
    "cms2": N_("Cloud Monitor 2.0: CPU usage of an ECS instance"),
    "console-test": N_("the Test button of the console"),
    "ecs-cpu": N_("CPU usage of an ECS instance"),
    "ecs-disk": N_("disk usage of an ECS instance"),
    "event-centre": N_("event of an event subscription"),
    "event-maintenance": N_("scheduled maintenance of an ECS instance"),
    "event-rule": N_("state change of an ECS instance, from an event rule"),
    "rds-connections": N_("connections of an RDS instance"),
    "redis-memory": N_("memory usage of a Redis instance"),
    "site-monitor": N_("status code of a website"),
    "slb-connections": N_("connections of a load balancer"),
    "sls": N_("Log Service: too many errors in a log"),
}
"""What each sample in `resources/samples/` is."""


def sample_names() -> list[str]:
    """Return the names of the samples in `resources/samples/`."""
    return sorted(path.stem for path in resource_path("samples").iterdir() if path.suffix in {".form", ".json"})


def sample_body(name: str) -> bytes:
    """Return the body of the sample with the given name. Raise SendFault if there is no such sample."""
    if name not in sample_names():
        names = PhraseList(sample_names(), separator=NAMES)
        raise SendFault(Phrase('there is no sample "{name}". There are: {names}.', name=name, names=names))
    suffix = ".form" if resource_path("samples", f"{name}.form").exists() else ".json"
    return read_text("samples", f"{name}{suffix}").encode()


class CallbackSender:
    """Sends requests to one URL over one connection. After a failure, the next request opens a new connection."""

    def __init__(self, url: str, *, host: str | None = None, certificate: Path | None = None) -> None:
        """Prepare to send requests to `url`. The first request opens the connection.

        `host` is the value of the Host header, by default the host in `url`. If `certificate` names a file, only the
        certificate in this file is trusted. Raise SendFault if `url` is not a valid URL or the file cannot be read.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SendFault(Phrase("{url} is no URL: {reason}", url=_without_path(url), reason=error)) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            reason = Phrase("it must begin with http:// or https:// and name a host")
            raise SendFault(Phrase("{url} is no URL: {reason}", url=_without_path(url), reason=reason))
        if not url.isascii() or not url.isprintable() or " " in url:
            raise SendFault(Phrase("{url}: what follows holds characters that no URL has", url=_without_path(url)))
        self._base_url = _without_path(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._used_at = 0.0
        self._headers = SENDER_HEADERS | ({"Host": host} if host else {})
        connect: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
        if parts.scheme == "https":
            connect = partial(http.client.HTTPSConnection, context=_tls_context(certificate))
        self._connection = connect(parts.hostname, port, timeout=SENDER_TIMEOUT)

    def send(self, request: SimulatedRequest, *, wait: Callable[[float], None] = time.sleep) -> SendResult:
        """Send a request. If the receiver does not accept the request, try up to RETRIES more times.

        `wait` is called with the pause in seconds before each retry.
        """
        begun = time.monotonic()
        tries, status, problem = 0, None, None
        while tries <= RETRIES:
            if tries:
                wait(RETRY_PAUSE)
            tries += 1
            status, problem = self._send_once(request)
            if status == 200:
                break
        return SendResult(status=status, problem=problem, tries=tries, seconds=time.monotonic() - begun)

    def _send_once(self, request: SimulatedRequest) -> tuple[int | None, str | None]:
        headers = self._headers | ({"Content-Type": request.content_type} if request.body else {})
        if time.monotonic() - self._used_at > _IDLE_LIMIT:
            self._connection.close()
        try:
            self._connection.request(request.method, self._target, body=request.body or None, headers=headers)
            response = self._connection.getresponse()
            response.read()
            self._used_at = time.monotonic()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self._connection.close()
            return None, Phrase(
                "no answer from {url}: {reason}. Is trayalert running?", url=self._base_url, reason=os_error_text(error)
            )
        if response.status == 200:
            return 200, None
        reason = _REASONS.get(response.status, response.reason)
        problem = Phrase("{url} answered {status}: {reason}", url=self._base_url, status=response.status, reason=reason)
        return response.status, problem

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _tls_context(certificate: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts only `certificate`, without a check of the host name and the issuer.

    If `certificate` is None, return a TLS context that trusts the system's certificates. Raise SendFault if the
    certificate cannot be read.
    """
    if certificate is None:
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cafile=certificate)
    except OSError as error:
        problem = Phrase(
            "the certificate {path} cannot be read: {reason}", path=certificate, reason=os_error_text(error)
        )
        raise SendFault(problem) from error
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def timestamps(count: int, *, now: Callable[[], Millis]) -> Iterator[Millis]:
    """Yield `count` timestamps in milliseconds, each later than the previous timestamp.

    A timestamp is the current time, but at least the previous timestamp plus 1 ms.
    """
    last = 0
    for _ in range(count):
        last = max(last + 1, now())
        yield last


def _without_path(url: str) -> str:
    """Return the URL without its path, because the path contains the secret."""
    return re.sub(r"((?:^[^/]*://)?[^/?#]*).*", r"\1", url, count=1, flags=re.DOTALL)
