"""The base class of the assistant's pages.

A page queries and requests through `SetupActions`, and shows problems on the page itself instead of in a dialog.
"""

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
    """The ingress and the kind of tunnel that the user has chosen so far, on the first two pages."""

    ingress: Ingress = Ingress.TUNNEL
    kind: str = "cloudflared"

    @classmethod
    def of(cls, configured: ChosenIngress | None, remembered: Any) -> "SetupChoice":
        """Return the choice that the user made before.

        The choice in `remembered`, from an earlier run of the assistant, takes precedence over `configured`, the
        ingress in the settings. If both name the same ingress, the kind of tunnel comes from the settings.
        """
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
    """Give a widget the focus in the same way as the Tab key, so that Qt draws the focus."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)


class AssistantPage(QWidget):
    """One page of the assistant.

    `name` is the name under which the state store remembers the page, and `title` is the heading. `next_text` is the
    text of the button to the next page.
    """

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
        """Add a paragraph below the present content, with `space` pixels of extra distance."""
        label = SafeLabel(text, wrapped=True)
        if space:
            self.column.addSpacing(space)
        self.column.addWidget(label)
        return label

    def enter(self) -> None:
        """Prepare the page for being shown."""
        self.tick()

    def leave(self) -> bool:
        """Finish the page before the next page is shown. Show the reason and return False to stay on the page."""
        return True

    def tick(self) -> None:
        """Refresh the page. Called about once a second while the page is shown."""

    def on_event(self, event: Event) -> None:
        """Handle an event. Called even while another page is shown."""
