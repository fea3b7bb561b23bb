"""The self-probe: a callback to ourselves through the public URL, which only our own listener can answer.

Only a response with the proof means reachable. Nobody else can make the proof, as its key never leaves the process. No
probe is ever stored.
"""

import base64
import hashlib
import hmac
import secrets
import ssl
import time
from dataclasses import dataclass

from trayalert.domain.callback import FORM, SENDER_HEADERS, SENDER_TIMEOUT
from trayalert.domain.reachability import ProbeResult, Reachability
from trayalert.services.reachability.http_post import PostFailure, post
from trayalert.services.reachability.probe_messages import ProbeMessages

PROBE_LIFETIME = 30.0
"""Seconds in which a probe is recognised: longer than its answer is waited for, as a late probe is no stranger's."""

MAX_PENDING = 8

_BODY = b"alertName=trayalert+self-probe&alertState=OK"
_HEADERS = SENDER_HEADERS | {"Content-Type": FORM}


@dataclass(slots=True)
class _PendingProbe:
    """A probe under way: whether it has arrived, and why the listener rejected it."""

    expires_at: float
    arrived: bool = False
    rejection: str | None = None


class SelfProbe:
    """One for each run of the program, on the receiver's loop. `ssl_context` may trust more than the system does.

    `answer` and `record_rejection` are called by the listener's hook endpoint.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._key = secrets.token_bytes(32)
        self._pending: dict[bytes, _PendingProbe] = {}
        self._ssl_context = ssl_context

    def answer(self, offered: bytes) -> str | None:
        """Return the proof for a probe under way, once; None for anything else."""
        for token, pending in self._pending.items():
            if hmac.compare_digest(token, offered) and not pending.arrived and time.monotonic() < pending.expires_at:
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
        begun = time.monotonic()
        url = f"{public_url.rstrip('/')}/hook/{token.decode()}"
        result = await post(url, _BODY, _HEADERS, seconds=SENDER_TIMEOUT, ssl_context=self._ssl_context)
        if pending.arrived and result.status == 200 and hmac.compare_digest(result.body, self._proof(token).encode()):
            duration = round((time.monotonic() - begun) * 1000)
            return ProbeResult(reach=Reachability.REACHABLE, duration_ms=duration)
        messages = ProbeMessages(
            public_url, result, listener_address=listener_address, seconds=SENDER_TIMEOUT, size=len(_BODY)
        )
        if pending.rejection is not None:
            reason = messages.rejected(pending.rejection)
        else:
            reason = messages.response_lost() if pending.arrived else messages.not_delivered()
        inconclusive = result.failure is PostFailure.PROXY_ERROR and not pending.arrived
        return ProbeResult(reach=Reachability.UNKNOWN if inconclusive else Reachability.BLIND, reason=reason)

    def _register_probe(self) -> tuple[bytes, _PendingProbe]:
        now = time.monotonic()
        self._pending = {token: pending for token, pending in self._pending.items() if now < pending.expires_at}
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        token = self._signed(b"callback", secrets.token_bytes(16))
        self._pending[token] = pending = _PendingProbe(now + PROBE_LIFETIME)
        return token, pending

    def _proof(self, token: bytes) -> str:
        return self._signed(b"answer", token).decode()

    def _signed(self, label: bytes, content: bytes) -> bytes:
        """Return a signature of 43 characters that need no quoting in a URL."""
        code = hmac.digest(self._key, label + b"\0" + content, hashlib.sha256)
        return base64.urlsafe_b64encode(code).rstrip(b"=")
