"""The first page: which way in."""

from typing import Final

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout

from trayalert.domain.settings.ingress import Way
from trayalert.ui.backend import Desk
from trayalert.ui.safe_text import PlainLabel
from trayalert.ui.setup.page import Choice, Page, focus

_WAYS: Final = {
    Way.TUNNEL: (
        "&Tunnel",
        "A program keeps a line open to a public address. Fits a laptop, and a network that lets nothing in.",
    ),
    Way.HOST: (
        "&Own public host",
        "This computer has a public address, or a web server of yours has one and passes requests on to this computer.",
    ),
    Way.FORWARD: (
        "&Port forward",
        "The router passes a port on to this computer. Fits one that stays in one place, behind a router of yours.",
    ),
}


class WayPage(Page):
    """Choose between tunnel, own host and port forward."""

    name = "way"
    title = "How does Cloud Monitor reach you?"

    def __init__(self, desk: Desk, choice: Choice) -> None:
        super().__init__(desk, choice)
        self.say(
            "Cloud Monitor sends each alert as a request to a public URL, the callback URL. For that this computer has"
            " to be reachable from the Internet. Choose the way in; you can change it at any time."
        )
        self._group = QButtonGroup(self)
        self._buttons: dict[Way, QRadioButton] = {}
        for way, (words, fits) in _WAYS.items():
            button = QRadioButton(words)
            button.setAccessibleDescription(fits)
            self._group.addButton(button)
            self._buttons[way] = button
            self.column.addSpacing(8)
            both = QVBoxLayout()
            both.setSpacing(2)
            both.addWidget(button)
            words_below = PlainLabel(fits, wrapped=True)
            words_below.setContentsMargins(24, 0, 0, 0)
            both.addWidget(words_below)
            self.column.addLayout(both)
        self.column.addStretch()

    def enter(self) -> None:
        """Show what is chosen."""
        self._buttons[self.choice.way].setChecked(True)
        focus(self._buttons[self.choice.way])

    def leave(self) -> bool:
        """Take the choice."""
        self.choice.way = next(way for way, button in self._buttons.items() if button.isChecked())
        return True
