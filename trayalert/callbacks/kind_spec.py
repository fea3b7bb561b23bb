"""The specification of one kind of callback.

The file of each kind ends with its `KIND_SPEC`, and `kinds.py` lists all specifications.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trayalert.callbacks.parsing.body import Body
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.times import Millis
from trayalert.domain.wording.component import ComponentWords
from trayalert.domain.wording.language import Language

Read = Callable[[Body], tuple[Alert, ...] | None]
"""Returns the alerts in a body of its kind, or None if the body is of another kind."""

Stamp = Callable[[dict[str, Any], Millis | None, bool], None]
"""Changes the parts of a sample body in place.

The second argument is the time to write into the parts, or None to keep the present times. If the third argument
is true, the parts become the recovery of their alert.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec:
    """How a kind of callback is read, simulated and worded. The defaults also suit callbacks of an unknown kind."""

    kind: Kind
    read: Read
    read_remnant: Read | None = None
    """Reads the bodies of this kind that no `read` function recognises. None if there are no such bodies."""

    stamp: Stamp | None = None
    """Writes a time into a sample body and can make the body a recovery.

    If None, the simulator sends the body unchanged and cannot send a recovery of its alert.
    """

    component_words: ComponentWords = field(default_factory=ComponentWords)
    name_text: Callable[[str | None, Language], str | None] | None = None
    """Returns the display name for the name that an alert was sent with, or None if no display name is known."""

    message_text: Callable[[Mapping[str, str], Language], str] | None = None
    """Returns the message to display for the fields of an alert. The returned message replaces `Alert.message`."""
