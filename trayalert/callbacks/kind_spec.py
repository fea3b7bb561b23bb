"""All that is known of one kind of callback. Each file of a kind ends with its KIND_SPEC; `kinds.py` lists them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trayalert.callbacks.parsing.body import Body
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.times import Millis
from trayalert.domain.wording.component import ComponentWords
from trayalert.domain.wording.language import Language

Read = Callable[[Body], tuple[Alert, ...] | None]
"""Returns the alerts of a body of its kind, None for a body of any other kind."""

Stamp = Callable[[dict[str, Any], Millis | None, bool], None]
"""Changes the parts of a body in place: writes a moment into them (None: they keep theirs), and makes them the recovery
of their alert if the last argument is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec:
    """A kind of callback: how it is read, simulated and worded. The defaults hold for unknown kinds, too."""

    kind: Kind
    read: Read
    read_remnant: Read | None = None
    """Reads bodies of the kind that no `read` of any kind could read."""

    stamp: Stamp | None = None
    """None: the simulator sends a body unchanged, and nothing recovers its alert."""

    component_words: ComponentWords = field(default_factory=ComponentWords)
    name_text: Callable[[str | None, Language], str | None] | None = None
    """Returns the name for people of an alert with such a name, None where none is known."""

    message_text: Callable[[Mapping[str, str], Language], str] | None = None
    """Returns the message of an alert with such fields, in place of the alert's own."""
