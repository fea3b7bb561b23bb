"""The Test button of Cloud Monitor's console: a request with no body and no query (seen once as a bare GET, 2024)."""

from trayalert.callbacks.body import Body
from trayalert.domain.alert import TEST, Alert, Identity
from trayalert.domain.level import Level

_NEVER_MERGED = Identity(text="", timed=False)


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a Test; None where there is anything to read."""
    if body.callback.body.strip() or body.callback.query:
        return None
    return (Alert(kind=TEST, identity=_NEVER_MERGED, key="", subject="", state=None, level=Level.WARN),)
