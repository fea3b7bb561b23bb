"""What all assistant pages share. Its rule: a page asks `SetupActions` and says on itself what is wrong."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from trayalert.domain.events import Event
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.widgets.safe_text import SafeLabel


@dataclass
class SetupChoice:
    """What the person has chosen so far, on the first two pages."""

    ingress: Ingress = Ingress.TUNNEL
    kind: str = "cloudflared"

    @classmethod
    def of(cls, configured: ChosenIngress | None, remembered: Any) -> "SetupChoice":
        """Return what was chosen before: in the settings, or on a page of an unfinished setup."""
        choice = cls()
        match remembered:
            case {"way": str(ingress), "kind": str(kind)} if ingress in list(Ingress):
                choice = cls(Ingress(ingress), kind)
            case _ if configured is not None:
                choice.ingress = configured.ingress
        if configured is not None and configured.tunnel.get("kind") and choice.ingress is configured.ingress:
            choice.kind = str(configured.tunnel["kind"])
        return choice


def focus(widget: QWidget) -> None:
    """Give a widget the focus as Tab does, so that the focus is visible."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)


class AssistantPage(QWidget):
    """One step. `name` is remembered, `title` is shown; `next_text` is on the button to the next step."""

    name = ""
    title = ""
    next_text = "&Next"
    next_text_changed = Signal()

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__()
        self.setup = setup
        self.program = program
        self.choice = choice
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)

    def add_paragraph(self, text: str, *, space: int = 0) -> SafeLabel:
        """Add a paragraph."""
        label = SafeLabel(text, wrapped=True)
        if space:
            self.column.addSpacing(space)
        self.column.addWidget(label)
        return label

    def enter(self) -> None:
        """Prepare to be shown."""
        self.tick()

    def leave(self) -> bool:
        """Finish the page; return False to stay on it, after saying why."""
        return True

    def tick(self) -> None:
        """Refresh the page; called about once a second while it is shown."""

    def on_event(self, event: Event) -> None:
        """Take an event, also while another page is shown."""
