"""The specification of one kind of callback.

The module of each kind ends with its `KIND_SPEC`, and `kinds.py` lists all specifications.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trayalert.callbacks.parsing.body import Body
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.times import Millis
from trayalert.domain.wording.component import ComponentWords
from trayalert.domain.wording.language import Language

Read = Callable[[Body], tuple[Alert, ...] | None]
"""A function that returns the alerts in a body of its own kind, or None if the body is of another kind."""

Stamp = Callable[[dict[str, Any], Millis | None, bool], None]
"""A function that stamps a sample.

The first argument contains the parts of the sample's body, which the function changes in place. The second argument is
the time to write into the parts, or None to keep the times that the parts already have. If the third argument is true,
the function also turns the sample from an alert into the recovery of that alert.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec:
    """How callbacks of one kind are read, simulated and presented. The defaults also suit an unknown kind."""

    kind: Kind
    read: Read
    read_remnant: Read | None = None
    """Reads bodies of this kind that no `read` function of any kind recognises. None if there are no such bodies."""

    stamp: Stamp | None = None
    """Writes a time into a sample body and can turn the sample into a recovery.

    If None, the simulator sends the sample unchanged and cannot send a recovery.
    """

    component_words: ComponentWords = field(default_factory=ComponentWords)
    name_text: Callable[[str | None, Language], str | None] | None = None
    """Takes the name that was sent with an alert and returns the name to display.

    Returns None if the function does not know the name.
    """

    message_text: Callable[[Alert, Language], str | None] | None = None
    """Takes an alert and returns the message to display instead of `Alert.message`.

    Returns None if the alert's own message is to be displayed.
    """
