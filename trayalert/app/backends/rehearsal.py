"""The rehearsal: a sample callback sent as Cloud Monitor would, through the public address. No proof of the console."""

import threading
from collections.abc import Callable, Sequence

from trayalert.clock import now
from trayalert.domain.events import Event, SampleSent
from trayalert.services.simulator.client import CallbackSender, sample_body
from trayalert.services.simulator.payloads import SendFault, simulated_request

_SAMPLE = "ecs-cpu"


def rehearse(url: str, announce: Callable[[Sequence[Event]], None]) -> None:
    """Send it, and its recovery, from a thread of its own; a SampleSent follows."""
    threading.Thread(target=lambda: announce([SampleSent(_send_sample(url))]), name="rehearsal", daemon=True).start()


def _send_sample(url: str) -> str | None:
    """Return a sentence where it did not come in."""
    try:
        client = CallbackSender(url)
        try:
            content = sample_body(_SAMPLE)
            for recover in (False, True):
                sent = client.send(simulated_request(content, now=now(), recover=recover))
                if not sent.accepted:
                    return sent.problem
        finally:
            client.close()
    except SendFault as fault:
        return str(fault)
    return None
