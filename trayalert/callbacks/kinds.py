"""Reads callbacks of all kinds. The kind is told by shape only, as path and content type are not to be trusted."""

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
"""Called in turn until one does not return None."""

_logger = logging.getLogger(__name__)


def read_callback(callback: Callback, readers: Sequence[Read] = ()) -> tuple[Alert, ...]:
    """Read a callback into one or more alerts with `readers` (none: all). Never raises.

    Alerts that only close come last. A callback that no reader can read becomes an unrecognised alert.
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
    """Drop repeated alerts of one body, which would count as other deliveries."""
    once: dict[str, Alert] = {}
    for alert in alerts:
        once.setdefault(alert.identity.text, alert)
    return tuple(once.values())
