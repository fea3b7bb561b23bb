"""Reads callbacks of all kinds. The kind is told by shape only, as path and content type are not to be trusted."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from trayalert.callbacks import alertmanager, cms2, console_test, event, silence, sls, threshold, unrecognised
from trayalert.callbacks.kind_spec import KindSpec, Read
from trayalert.callbacks.parsing.body import MOST_ALERTS, Body, read_body
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Alert, Kind

KINDS: tuple[KindSpec, ...] = (
    silence.KIND_SPEC,
    console_test.KIND_SPEC,
    threshold.KIND_SPEC,
    event.KIND_SPEC,
    cms2.KIND_SPEC,
    alertmanager.KIND_SPEC,
    sls.KIND_SPEC,
)
"""Each kind stands before those that would take its bodies for theirs."""


def readers_of(kinds: Sequence[KindSpec]) -> tuple[Read, ...]:
    """Return the readers of kinds, to be called in turn until one does not return None.

    Readers of remnants come last and in reverse order: `console_test` would take any text with a `$` for a template.
    """
    remnants = (spec.read_remnant for spec in reversed(kinds) if spec.read_remnant)
    return (*(spec.read for spec in kinds), *remnants)


READERS = readers_of(KINDS)
_SPECS = {spec.kind: spec for spec in KINDS}

_logger = logging.getLogger(__name__)


def spec_of(kind: Kind) -> KindSpec:
    """Return the spec of a kind; for a kind that only another version knows, that of unrecognised callbacks."""
    return _SPECS.get(kind, unrecognised.KIND_SPEC)


def read_callback(callback: Callback, kinds: Sequence[KindSpec] = KINDS) -> tuple[Alert, ...]:
    """Read a callback of one of these kinds into one or more alerts. Never raises.

    Alerts that only close come last. A callback that no reader can read becomes an unrecognised alert.
    """
    body, readers = read_body(callback), READERS if kinds is KINDS else readers_of(kinds)
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
