"""Tells the kinds of callback apart, by shape alone: neither path nor content type is to be trusted."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from trayalert.callbacks import alertmanager, cms2, console_test, event, silence, sls, threshold, unrecognised
from trayalert.callbacks.body import MOST_ALERTS, Body, read_body
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Alert

Read = Callable[[Body], tuple[Alert, ...] | None]

READERS: tuple[Read, ...] = (
    silence.read,
    console_test.read,
    threshold.read,
    event.read,
    cms2.read,
    alertmanager.read,
    sls.read,
    threshold.read_remnant,
    console_test.read_template,
)
"""Asked in turn; the first that does not answer None has read the callback."""

_logger = logging.getLogger(__name__)


def read_callback(callback: Callback, readers: Sequence[Read] = ()) -> tuple[Alert, ...]:
    """Read a callback into one or more alerts, by those `readers` (none named: all).

    Those that only close are the last. Never raises: what nobody can read comes out as `unrecognised`.
    """
    body, readers = read_body(callback), readers or READERS
    if not body.parts:
        return _drop_repeats(_read(body, readers)) or unrecognised.read(body)
    alerts: list[Alert] = []
    closing: list[Alert] = []
    unread: Body | None = body if body.unread else None
    for part in body.parts:
        found = _read(part, readers) if len(alerts) < MOST_ALERTS else ()
        for alert in found:
            (closing if alert.only_closes else alerts).append(replace(alert, fields=body.fields))
        unread = unread or (None if found else part)
    rest = unrecognised.read(body, shown=unread) if unread else ()
    return (*_drop_repeats(alerts), *rest, *_drop_repeats(closing))


def _read(body: Body, readers: Sequence[Read]) -> tuple[Alert, ...]:
    for read in readers:
        try:
            alerts = read(body)
        except Exception:  # a bug of ours must not cost an alert
            _logger.exception("a parser failed; the callback is kept as unrecognised")
            break
        if alerts:
            return alerts
    return ()


def _drop_repeats(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Leave out what a body says twice: it would be counted as another delivery."""
    once: dict[str, Alert] = {}
    for alert in alerts:
        once.setdefault(alert.identity.text, alert)
    return tuple(once.values())
