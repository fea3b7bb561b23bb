"""Tells the kinds of callback apart, by shape alone: neither path nor content type is to be trusted."""

import logging

from trayalert.callbacks import console_test, threshold, unrecognised
from trayalert.callbacks.body import read_body
from trayalert.domain.alert import Alert
from trayalert.domain.callback import Callback

_READERS = (console_test.read, threshold.read)
"""Asked in turn; the first that does not answer None has read the callback."""

_logger = logging.getLogger(__name__)


def read_callback(callback: Callback) -> tuple[Alert, ...]:
    """Read a callback into one or more alerts. Never raises: what nobody can read comes out as `unrecognised`."""
    body = read_body(callback)
    for read in _READERS:
        try:
            alerts = read(body)
        except Exception:  # a bug of ours must not cost an alert
            _logger.exception("a parser failed; the callback is kept as unrecognised")
            break
        if alerts is not None:
            return alerts
    return unrecognised.read(body)
