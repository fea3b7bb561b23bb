"""The base class of the assistant's pages, and the choice that all pages share.

A page uses `SetupActions` for its queries and requests. A page shows problems on itself, and opens no dialog.
"""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from trayalert.domain.events import Event
from trayalert.domain.phrase import N_
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.captions import Captions
from trayalert.ui.widgets.safe_text import SafeLabel


@dataclass
class SetupChoice:
    """The ingress and the kind of tunnel that the user has chosen on the first two pages."""

    ingress: Ingress = Ingress.TUNNEL
    kind: str = "cloudflared"

    @classmethod
    def of(cls, configured: ChosenIngress | None, remembered: Any) -> "SetupChoice":
        """Return the choice with which the assistant starts.

        `configured` is the ingress in the settings. `remembered` is the choice that an earlier assistant has stored.

        The ingress is taken from `remembered`, or from `configured` if nothing is remembered. If `configured` has the
        same ingress and a kind of tunnel, the kind is taken from `configured`. In all other cases, the kind is taken
        from `remembered`.
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
    """Give a widget the focus in the same way as the Tab key, so that Qt draws the focus frame."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)


class AssistantPage(QWidget):
    """One page of the assistant.

    `name` identifies the page in the state store, and `title` is the page's heading. `next_text` is the label of the
    button that goes to the next page. Both texts are constants marked with `N_`, which the assistant translates.
    """

    name = ""
    title = ""
    next_text = N_("&Next")
    next_text_changed = Signal()

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__()
        self.setup = setup
        self.program = program
        self.choice = choice
        self.captions = Captions(lambda: program.language)
        self._shown_texts: dict[SafeLabel, str] = {}
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)

    def add_paragraph(self, text: str = "", *, space: int = 0) -> SafeLabel:
        """Add a paragraph at the end of the page, with `space` extra pixels above it, and return its label.

        `text` is a constant marked with `N_`. If `text` is empty, the page shows a text later, through `show_phrase`.
        """
        label = SafeLabel(wrapped=True)
        if text:
            self.captions.bind(label.show_text, text)
        if space:
            self.column.addSpacing(space)
        self.column.addWidget(label)
        return label

    def show_phrase(self, label: SafeLabel, text: str) -> None:
        """Show a phrase in a label, now and, until another text is shown, whenever the language changes."""
        self._shown_texts[label] = text
        label.show_text(self.program.language.render(text))

    def retranslate(self) -> None:
        """Show all texts of the page in the current language. Entered texts, choices and the focus do not change."""
        self.captions.retranslate()
        for label, text in self._shown_texts.items():
            label.show_text(self.program.language.render(text))
        self.tick()

    def enter(self) -> None:
        """Prepare the page before it is shown."""
        self.tick()

    def leave(self) -> bool:
        """Finish the page before the next page is shown. Return whether the next page can be shown.

        A page that returns False also shows the reason.
        """
        return True

    def tick(self) -> None:
        """Refresh the page. Called about once a second while the page is shown."""

    def on_event(self, event: Event) -> None:
        """Handle an event. Called even while another page is shown."""
