"""What no parser reads is still an alert: somebody who knows the secret wanted to say something."""

from trayalert.callbacks.body import Body
from trayalert.callbacks.identity import text_identity
from trayalert.domain.alert import UNRECOGNISED, Alert
from trayalert.domain.incident import UNRECOGNISED_KEY
from trayalert.domain.level import Level


def read(body: Body) -> tuple[Alert, ...]:
    """Make an alert of anything."""
    return (
        Alert(
            kind=UNRECOGNISED,
            identity=text_identity(body.callback),
            key=UNRECOGNISED_KEY,
            subject=UNRECOGNISED_KEY,
            state=None,
            level=Level.WARN,
            fields=body.fields,
        ),
    )
