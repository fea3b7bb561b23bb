"""The self-probe: a callback that trayalert sends to its own listener through the public URL.

The listener answers a probe with a proof. Only a response with this proof shows that trayalert is reachable.
The key for the proof never leaves this process, so no other program can make the proof. Probes are never stored.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from trayalert.domain.callback import FORM, SENDER_HEADERS, SENDER_TIMEOUT
from trayalert.domain.reachability import ProbeResult, Reachability
from trayalert.services.http_client import HttpClient, HttpFailure
from trayalert.services.reachability.probe_messages import ProbeMessages

MAX_PENDING = 8
"""Maximum number of probes under way. A further probe replaces the oldest probe, which is no longer recognised."""

_MAX_ANSWER = 4096
"""Maximum number of bytes to read from a response."""

_BODY = b"alertName=trayalert+self-probe&alertState=OK"
_HEADERS = SENDER_HEADERS | {"Content-Type": FORM}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTiming:
    """The timeouts of a probe, in seconds."""

    timeout: float = SENDER_TIMEOUT
    """Maximum time to wait for the response. Cloud Monitor waits for the same time."""
    lifetime: float = 30.0
    """How long the listener recognises a probe.

    A probe can arrive after `timeout`, and must not count as a secret guess. `lifetime` is therefore longer.
    """


@dataclass(slots=True)
class _PendingProbe:
    """A probe that is under way.

    `arrived` says whether the probe has reached the listener. `rejection` is the reason why the listener rejected the
    probe, or None. `expires_at` is a time of the monotonic clock, in seconds.
    """

    expires_at: float
    arrived: bool = False
    rejection: str | None = None


class SelfProbe:
    """Sends probes, and makes the proofs with which the listener answers the probes.

    Each run of the program has one `SelfProbe`, which is used on the receiver's event loop. The listener's endpoint
    calls `answer` and `record_rejection`. If `http_client` is None, probes trust the system's certificates.
    """

    def __init__(
        self,
        *,
        http_client: HttpClient | None = None,
        timing: ProbeTiming = ProbeTiming(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._pending: dict[bytes, _PendingProbe] = {}
        self._http_client = http_client or HttpClient()
        self._timing = timing
        self._monotonic = monotonic

    def answer(self, offered: bytes) -> str | None:
        """Return the proof if `offered` is the token of a probe under way, else None.

        A second call with the same token returns None.
        """
        for token, pending in self._pending.items():
            if hmac.compare_digest(token, offered) and not pending.arrived and self._monotonic() < pending.expires_at:
                pending.arrived = True
                return self._proof(token)
        return None

    def record_rejection(self, offered: bytes, reason: str) -> None:
        """Record why the listener has rejected a probe.

        `offered` is the token of the probe. A probe can be rejected even after `answer` has returned the proof.
        """
        pending = self._pending.get(offered)
        if pending is not None:
            pending.rejection = reason

    async def probe(self, public_url: str, *, listener_address: str) -> ProbeResult:
        """Send a probe through the public URL and return the result.

        `listener_address` is the address on which trayalert listens. The `reason` of the result may name this address.
        """
        token, pending = self._register_probe()
        begun = self._monotonic()
        url = f"{public_url.rstrip('/')}/hook/{token.decode()}"
        seconds = self._timing.timeout
        result = await self._http_client.request(
            "POST", url, headers=_HEADERS, body=_BODY, seconds=seconds, max_bytes=_MAX_ANSWER
        )
        if pending.arrived and result.status == 200 and hmac.compare_digest(result.body, self._proof(token).encode()):
            duration = round((self._monotonic() - begun) * 1000)
            return ProbeResult(reach=Reachability.REACHABLE, duration_ms=duration)
        messages = ProbeMessages(
            public_url, result, listener_address=listener_address, seconds=seconds, size=len(_BODY)
        )
        if pending.rejection is not None:
            reason = messages.rejected(pending.rejection)
        else:
            reason = messages.response_lost() if pending.arrived else messages.not_delivered()
        inconclusive = result.failure is HttpFailure.PROXY_ERROR and not pending.arrived
        return ProbeResult(reach=Reachability.UNKNOWN if inconclusive else Reachability.BLIND, reason=reason)

    def _register_probe(self) -> tuple[bytes, _PendingProbe]:
        now = self._monotonic()
        self._pending = {token: pending for token, pending in self._pending.items() if now < pending.expires_at}
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        token = self._signed(b"callback", secrets.token_bytes(16))
        self._pending[token] = pending = _PendingProbe(now + self._timing.lifetime)
        return token, pending

    def _proof(self, token: bytes) -> str:
        return self._signed(b"answer", token).decode()

    def _signed(self, label: bytes, content: bytes) -> bytes:
        """Return a signature of `label` and `content`. The signature's 43 characters need no quoting in a URL.

        Tokens and proofs have different labels, so that a token is never a valid proof.
        """
        code = hmac.digest(self._key, label + b"\0" + content, hashlib.sha256)
        return base64.urlsafe_b64encode(code).rstrip(b"=")
