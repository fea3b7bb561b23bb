"""The assistant's first page, on which the user chooses the ingress."""

from functools import partial
from typing import Final

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout

from trayalert.domain.phrase import N_
from trayalert.domain.settings.ingress import Ingress
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.setup.page import AssistantPage, SetupChoice, focus
from trayalert.ui.widgets.safe_text import SafeLabel, show_trusted_caption

_INGRESS_TEXTS: Final = {
    Ingress.TUNNEL: (
        N_("&Tunnel"),
        N_("A program keeps a line open to a public address. Fits a laptop, and a network that lets nothing in."),
    ),
    Ingress.HOST: (
        N_("&Own public host"),
        N_(
            "This computer has a public address, or a web server of yours has one and passes requests on to this"
            " computer."
        ),
    ),
    Ingress.FORWARD: (
        N_("&Port forward"),
        N_("The router passes a port on to this computer. Fits one that stays in one place, behind a router of yours."),
    ),
}


class IngressPage(AssistantPage):
    """Lets the user choose between a tunnel, a public host and a forwarded port."""

    name = "way"
    title = N_("How does Cloud Monitor reach you?")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self.add_paragraph(
            N_(
                "Cloud Monitor sends each alert as a request to a public URL, the callback URL. For that this computer"
                " has to be reachable from the Internet. Choose the way in; you can change it at any time."
            )
        )
        self._group = QButtonGroup(self)
        self._buttons: dict[Ingress, QRadioButton] = {}
        for ingress, (caption, description) in _INGRESS_TEXTS.items():
            button = QRadioButton()
            self.captions.bind(partial(show_trusted_caption, button), caption)
            self.captions.bind(button.setAccessibleDescription, description)
            self._group.addButton(button)
            self._buttons[ingress] = button
            self.column.addSpacing(8)
            option = QVBoxLayout()
            option.setSpacing(2)
            option.addWidget(button)
            label = SafeLabel(wrapped=True)
            self.captions.bind(label.show_text, description)
            label.setContentsMargins(24, 0, 0, 0)
            option.addWidget(label)
            self.column.addLayout(option)
        self.column.addStretch()

    def enter(self) -> None:
        """Select the radio button of the ingress that is currently chosen."""
        self._buttons[self.choice.ingress].setChecked(True)
        focus(self._buttons[self.choice.ingress])

    def leave(self) -> bool:
        """Store the user's choice in `choice`, and return True."""
        self.choice.ingress = next(ingress for ingress, button in self._buttons.items() if button.isChecked())
        return True
