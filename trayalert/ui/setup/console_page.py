"""The fourth page: the callback URL, and where it goes in the console."""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from trayalert.ui.backend import Backend
from trayalert.ui.setup.page import AssistantPage, SetupChoice
from trayalert.ui.setup.steps import DIFFERS, TABS
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel, copy_text


class ConsolePage(AssistantPage):
    """The URL to copy, and the steps for each kind of rule."""

    name = "console"
    title = "Give the callback URL to the console"

    def __init__(self, backend: Backend, choice: SetupChoice) -> None:
        super().__init__(backend, choice)
        self._url = SafeField("Callback URL", read_only=True)
        copy = QPushButton("&Copy")
        copy.setAccessibleName("Copy callback URL")
        copy.clicked.connect(self._copy)
        row = QHBoxLayout()
        row.addWidget(self._url, 1)
        row.addWidget(copy)
        self.column.addLayout(row)
        self._note = self.add_paragraph("")
        tabs = QTabWidget()
        tabs.setAccessibleName("Steps in the console")
        for words, steps in TABS.items():
            tabs.addTab(_steps_view(steps), words)
        self.column.addWidget(tabs)
        self.add_paragraph(DIFFERS)
        self.column.addStretch()

    def enter(self) -> None:
        """Show the URL as it is now."""
        self.tick()

    def tick(self) -> None:
        """A tunnel's address may come, or change, while it is read."""
        self._url.show_text(self.backend.callback_url())
        local = self.backend.reachability().public_url is None
        self._note.show_text(
            "⚠ This address is this computer's own: no public one is known yet, and the console cannot reach it."
            if local
            else "It holds a secret: treat it like a password. Who knows it can send you alerts."
        )

    def _copy(self) -> None:
        copy_text(self.backend.callback_url())
        self._note.show_text("Copied. It holds a secret: treat it like a password.")


def _steps_view(steps: tuple[str, ...]) -> QWidget:
    sheet = QWidget()
    column = QVBoxLayout(sheet)
    column.setSpacing(6)
    for number, words in enumerate(steps, 1):
        column.addWidget(SafeLabel(f"{number}. {words}", wrapped=True, selectable=True))
    column.addStretch()
    return sheet
