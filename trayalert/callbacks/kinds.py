"""Reads callbacks of all kinds.

The kind of a callback is determined by its content. The path and the content type of the request are ignored, because
they are not reliable.
"""

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
"""All kinds, in the order in which they are tried.

If the parser of one kind would also accept the bodies of another kind, that other kind comes first.
"""


def readers_of(kinds: Sequence[KindSpec]) -> tuple[Read, ...]:
    """Return the readers of the given kinds, in the order in which the caller must try them.

    The remnant readers (`KindSpec.read_remnant`) come last, in the reverse order of their kinds. The remnant reader of
    `console_test` must be the very last, because it would take an alert that quotes `$content` for an unfilled
    template.
    """
    remnants = (spec.read_remnant for spec in reversed(kinds) if spec.read_remnant)
    return (*(spec.read for spec in kinds), *remnants)


READERS = readers_of(KINDS)
_SPECS = {spec.kind: spec for spec in KINDS}

_logger = logging.getLogger(__name__)


def spec_of(kind: Kind) -> KindSpec:
    """Return the specification of a kind.

    If this version of trayalert does not know the kind, return the specification of unrecognised callbacks.
    """
    return _SPECS.get(kind, unrecognised.KIND_SPEC)


def read_callback(callback: Callback, kinds: Sequence[KindSpec] = KINDS) -> tuple[Alert, ...]:
    """Return the alerts in a callback, always at least one. Never raises.

    Alerts that only close incidents (`Alert.only_closes`) come last. A callback that no reader of `kinds` recognises
    becomes one unrecognised alert.

    If the body is a JSON list, each item is read separately. No more items are read after MOST_ALERTS alerts. All items
    that no reader recognises, together with all items that are not read, become one additional unrecognised alert.
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
        except Exception:  # a bug in a parser must not lose the alert
            _logger.exception("a parser failed; the callback is kept as unrecognised")
            break
        if alerts:
            return alerts
    return ()


def _drop_repeats(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Return the given alerts, but only the first alert of each identity.

    A body may contain the same alert twice, which must not be counted as two deliveries.
    """
    once: dict[str, Alert] = {}
    for alert in alerts:
        once.setdefault(alert.identity.text, alert)
    return tuple(once.values())
