"""The self-probe: a callback to ourselves through the public URL, which only our own listener can answer.

Only a response with the proof means reachable. Nobody else can make the proof, as its key never leaves the process. No
probe is ever stored.
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

_MAX_ANSWER = 4096
"""Bytes of an answer that are read."""

_BODY = b"alertName=trayalert+self-probe&alertState=OK"
_HEADERS = SENDER_HEADERS | {"Content-Type": FORM}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTiming:
    """Seconds."""

    timeout: float = SENDER_TIMEOUT
    """How long the answer is waited for: as long as Cloud Monitor waits."""
    lifetime: float = 30.0
    """How long a probe is recognised: longer than its answer is waited for, as a late probe is no stranger's."""


@dataclass(slots=True)
class _PendingProbe:
    """A probe under way: whether it has arrived, and why the listener rejected it."""

    expires_at: float
    arrived: bool = False
    rejection: str | None = None


class SelfProbe:
    """One for each run of the program, on the receiver's loop. `http_client` may trust more than the system does.

    `answer` and `record_rejection` are called by the listener's hook endpoint.
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
        """Return the proof for a probe under way, once; None for anything else."""
        for token, pending in self._pending.items():
            if hmac.compare_digest(token, offered) and not pending.arrived and self._monotonic() < pending.expires_at:
                pending.arrived = True
                return self._proof(token)
        return None

    def record_rejection(self, offered: bytes, reason: str) -> None:
        """Called when the listener rejected a probe after it asked for the answer."""
        pending = self._pending.get(offered)
        if pending is not None:
            pending.rejection = reason

    async def probe(self, public_url: str, *, listener_address: str) -> ProbeResult:
        """Send a probe through the URL. The sentences name `listener_address`, where trayalert listens."""
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
        """Return a signature of 43 characters that need no quoting in a URL."""
        code = hmac.digest(self._key, label + b"\0" + content, hashlib.sha256)
        return base64.urlsafe_b64encode(code).rstrip(b"=")
