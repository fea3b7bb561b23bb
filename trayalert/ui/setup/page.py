"""What all pages of the guide have in common. Its rule: a page asks the desk and says what is wrong on itself."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from trayalert.domain.events import Event
from trayalert.domain.settings.ingress import Way
from trayalert.ui.backend import Desk
from trayalert.ui.safe_text import PlainLabel


@dataclass
class Choice:
    """What the person has chosen so far, on the first two pages."""

    way: Way = Way.TUNNEL
    kind: str = "cloudflared"

    @classmethod
    def of(cls, desk: Desk, remembered: Any) -> "Choice":
        """Return what was chosen before: by the settings, or on a page that was left."""
        choice, set_way = cls(), desk.way()
        match remembered:
            case {"way": str(way), "kind": str(kind)} if way in list(Way):
                choice = cls(Way(way), kind)
            case _ if set_way is not None:
                choice.way = set_way.way
        if set_way is not None and set_way.tunnel.get("kind") and choice.way is set_way.way:
            choice.kind = str(set_way.tunnel["kind"])
        return choice


def focus(widget: QWidget) -> None:
    """Give it the focus as Tab would: it is seen."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)


class Page(QWidget):
    """One step. `name` is remembered, `title` is shown; `next_words` are on the button that goes on."""

    name = ""
    title = ""
    next_words = "&Next"
    reworded = Signal()
    """`next_words` are others now."""

    def __init__(self, desk: Desk, choice: Choice) -> None:
        super().__init__()
        self.desk = desk
        self.choice = choice
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)

    def say(self, text: str, *, space: int = 0) -> PlainLabel:
        """Add a paragraph."""
        label = PlainLabel(text, wrapped=True)
        if space:
            self.column.addSpacing(space)
        self.column.addWidget(label)
        return label

    def enter(self) -> None:
        """Begin to be shown."""

    def leave(self) -> bool:
        """Do what is to be done before the next page; False stays, and the page has said why."""
        return True

    def tick(self) -> None:
        """Look anew; about once a second while shown."""

    def take(self, event: Event) -> None:
        """Hear what happened, also while another page is shown."""
