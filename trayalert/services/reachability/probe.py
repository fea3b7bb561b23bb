"""The self-probe: a callback to ourselves through the public URL, which only our own door can answer.

Its rule: reachable is only what came back with the proof. Whoever answers in our place, by whatever error or intent,
cannot make it, as it takes a key that never leaves the process; and no probe is ever stored.
"""

import base64
import hashlib
import hmac
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from trayalert.domain.reachability import Reach
from trayalert.domain.times import Millis
from trayalert.services.reachability.http_post import Trouble, ask
from trayalert.services.reachability.probe_messages import Words
from trayalert.services.simulator.client import CLOUD_MONITOR, TIMEOUT

EXPIRES = 30.0
"""Seconds after which a probe is none any more. Longer than it is waited for: one that comes late is no stranger's."""

MOST_OUT = 8

_BODY = b"alertName=trayalert+self-probe&alertState=OK"
_HEADERS = CLOUD_MONITOR | {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a probe has found, at its end. `why` is a sentence, None where it came through; then `ms` is how long."""

    reach: Reach
    at: Millis
    why: str | None = None
    ms: int | None = None


@dataclass(slots=True)
class _Out:
    """A probe that is out: whether it has come to our door, and why that kept it out."""

    until: float
    came: bool = False
    kept_out: str | None = None


class SelfProbe:
    """One for a run of the program, on the receiver's loop. `trust` is for certificates that the system does not know.

    `answer` and `kept_out` are the door's (`listener.door.Rules`).
    """

    def __init__(self, *, now: Callable[[], Millis], trust: ssl.SSLContext | None = None) -> None:
        self._key = secrets.token_bytes(32)
        self._out: dict[bytes, _Out] = {}
        self._now = now
        self._trust = trust

    def answer(self, offered: bytes) -> str | None:
        """Return the proof for a probe that is out, once; None for all else."""
        for token, out in self._out.items():
            if hmac.compare_digest(token, offered) and not out.came and time.monotonic() < out.until:
                out.came = True
                return self._proof(token)
        return None

    def kept_out(self, offered: bytes, why: str) -> None:
        """Hear that the door let a probe not in, though it was asked for its answer."""
        out = self._out.get(offered)
        if out is not None:
            out.kept_out = why

    async def probe(self, public_url: str, *, door: str) -> Found:
        """Send one through the URL, and tell what came of it. `door` is where trayalert listens, for the sentences."""
        token, out = self._send_out()
        begun = time.monotonic()
        url = f"{public_url.rstrip('/')}/hook/{token.decode()}"
        heard = await ask(url, _BODY, _HEADERS, seconds=TIMEOUT, trust=self._trust)
        if out.came and heard.status == 200 and hmac.compare_digest(heard.body, self._proof(token).encode()):
            return Found(reach=Reach.REACHABLE, at=self._now(), ms=round((time.monotonic() - begun) * 1000))
        words = Words(public_url, heard, door=door, seconds=TIMEOUT, size=len(_BODY))
        if out.kept_out is not None:
            why = words.kept_out(out.kept_out)
        else:
            why = words.lost_on_the_way_back() if out.came else words.not_through()
        told_nothing = heard.trouble is Trouble.PROXY and not out.came
        return Found(reach=Reach.UNKNOWN if told_nothing else Reach.BLIND, at=self._now(), why=why)

    def _send_out(self) -> tuple[bytes, _Out]:
        now = time.monotonic()
        self._out = {token: out for token, out in self._out.items() if now < out.until}
        while len(self._out) >= MOST_OUT:
            del self._out[next(iter(self._out))]
        token = self._signed(b"callback", secrets.token_bytes(16))
        self._out[token] = out = _Out(now + EXPIRES)
        return token, out

    def _proof(self, token: bytes) -> str:
        return self._signed(b"answer", token).decode()

    def _signed(self, label: bytes, content: bytes) -> bytes:
        """Sign: 43 characters that a URL takes as they are."""
        code = hmac.digest(self._key, label + b"\0" + content, hashlib.sha256)
        return base64.urlsafe_b64encode(code).rstrip(b"=")
