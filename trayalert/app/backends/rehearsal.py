"""The rehearsal: a sample callback sent as Cloud Monitor would, through the public address. No proof of the console."""

import threading
from collections.abc import Callable, Sequence

from trayalert.app.platform.clock import now
from trayalert.domain.events import Event, Rehearsed
from trayalert.services.simulator.client import Post, sample_text
from trayalert.services.simulator.payloads import SendFault, letter

_SAMPLE = "ecs-cpu"


def rehearse(url: str, announce: Callable[[Sequence[Event]], None]) -> None:
    """Send it, and its recovery, from a thread of its own; a Rehearsed follows."""
    threading.Thread(target=lambda: announce([Rehearsed(_sent(url))]), name="rehearsal", daemon=True).start()


def _sent(url: str) -> str | None:
    """Return a sentence where it did not come in."""
    try:
        post = Post(url)
        try:
            content = sample_text(_SAMPLE)
            for recover in (False, True):
                sent = post.send(letter(content, now=now(), recover=recover))
                if not sent.accepted:
                    return sent.problem
        finally:
            post.close()
    except SendFault as fault:
        return str(fault)
    return None
