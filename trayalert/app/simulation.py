"""`trayalert send`: sends callbacks the way Cloud Monitor does, and reports the responses."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from trayalert.app.control.control_protocol import GetStatus, ask
from trayalert.app.platform.places import Places, read_settings
from trayalert.clock import now
from trayalert.domain.listener_state import ListenerAddress
from trayalert.domain.phrase import N_, Phrase
from trayalert.services.access.secrets import Secrets
from trayalert.services.simulator.client import CallbackSender, SendResult, timestamps
from trayalert.services.simulator.payloads import SendFault, simulated_request

_REPORTED_SINGLY = 10
"""If more callbacks than this number are sent, one summary is reported instead of each response."""


def own_sender(places: Places) -> CallbackSender:
    """Return a sender for the running instance. Raise SendFault if no instance runs or its listener is closed."""
    running = (ask(places.socket, GetStatus()) or {}).get("running")
    answers = hasattr(socket, "AF_UNIX")  # without Unix sockets, there is no control socket
    if running is None and (answers or not places.secrets.exists()):
        text = N_("no trayalert runs with {folder}. Start one: trayalert, or trayalert serve.")
        raise SendFault(Phrase(text, folder=places.data_dir))
    settings, _ = read_settings(places)
    host, port = settings.host, settings.port
    if running:
        listener = running["door"]
        if not listener["open"]:  # another program may be listening on the port, and must not get the secret
            problem = listener["problem"] or Phrase("it opens just now")
            raise SendFault(Phrase("the door of the running trayalert is shut: {problem}", problem=problem))
        host, port = listener["host"], listener["port"]
    address = ListenerAddress(host=host, port=port, tls=settings.tls_certificate is not None)
    url = f"{address.local.url}/hook/{Secrets(places.secrets).current}"
    return CallbackSender(
        url,
        host=settings.allowed_hosts[0] if settings.allowed_hosts else None,
        certificate=Path(settings.tls_certificate).expanduser() if settings.tls_certificate else None,
    )


def _sent_text(sent: SendResult) -> str:
    milliseconds = sent.seconds * 1000
    if sent.tries > 1:
        text = N_("{status} in {milliseconds:.0f} ms at try {tries}")
        return Phrase(text, status=sent.status, milliseconds=milliseconds, tries=sent.tries)
    return Phrase("{status} in {milliseconds:.0f} ms", status=sent.status, milliseconds=milliseconds)


def send_payloads(
    sender: CallbackSender,
    content: bytes,
    *,
    recover: bool,
    keep_time: bool,
    count: int,
    rate: float | None,
    report: Callable[[str], object],
    report_refusal: Callable[[str], object],
) -> int:
    """Send a callback `count` times. Return the exit status: 0 if every callback was accepted, else 1.

    `content` is the body of the callback. If `recover` is true, the recovery of the alert in `content` is sent instead.
    Each callback gets a new time. If `keep_time` is true, the time in `content` is kept. `rate` is the number of
    callbacks per second, or None for no limit.

    `report` is called with a line for each accepted callback, and `report_refusal` with a line for each refused
    callback. If `count` is greater than _REPORTED_SINGLY, `report` is called only with a summary, and `report_refusal`
    only for the first refusal. Raise SendFault if the body cannot be sent with these options.
    """
    begun = time.monotonic()
    refused: list[SendResult] = []
    for index, stamp in enumerate(timestamps(count, now=now)):
        if rate:
            time.sleep(max(0.0, begun + index / rate - time.monotonic()))
        sent = sender.send(simulated_request(content, now=None if keep_time else stamp, recover=recover))
        if not sent.accepted:
            refused.append(sent)
        if not sent.accepted and (count <= _REPORTED_SINGLY or len(refused) == 1):
            report_refusal(Phrase("refused: {problem}", problem=sent.problem))
        elif count <= _REPORTED_SINGLY:
            report(_sent_text(sent))
    sender.close()
    if count > _REPORTED_SINGLY:
        took = time.monotonic() - begun
        report(
            Phrase(
                "{accepted} of {count} accepted in {seconds:.1f} s ({rate:.0f} a second)",
                accepted=count - len(refused),
                count=count,
                seconds=took,
                rate=count / took,
            )
        )
    return 1 if refused else 0
