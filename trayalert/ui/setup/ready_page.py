"""The assistant's third page: live checks of whether callbacks can arrive.

Until all checks have succeeded, the page says that nothing has been proved yet. The user can continue anyway.
"""

from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.incident.level import Level
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.icons import level_icon
from trayalert.ui.setup.page import AssistantPage, SetupChoice
from trayalert.ui.widgets.safe_text import SafeLabel, show_trusted_caption

_VERDICT_LEVELS: Final = {
    Verdict.OK: Level.OK,
    Verdict.WARN: Level.WARN,
    Verdict.FAIL: Level.CRITICAL,
    Verdict.WAIT: None,  # drawn as the hollow grey ring
}
_VERDICT_TEXTS: Final = {
    Verdict.OK: N_("ok"),
    Verdict.WARN: N_("warning"),
    Verdict.FAIL: N_("fails"),
    Verdict.WAIT: N_("waiting"),
}


class ReadyPage(AssistantPage):
    """Shows the checks of listener, tunnel, public address and probe, each with its result and advice."""

    name = "ready"
    title = N_("Is it ready?")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self.add_paragraph(N_("This is looked at again and again while you read it."))
        self._list = QWidget()
        self._grid = QGridLayout(self._list)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(2, 1)
        self._rows: list[tuple[SafeLabel, SafeLabel, SafeLabel]] = []
        self.column.addWidget(self._list)
        self._button = QPushButton()
        self.captions.bind(partial(show_trusted_caption, self._button), N_("&Check now"))
        self.captions.bind(self._button.setAccessibleDescription, N_("Sends a probe through the public address"))
        self._button.clicked.connect(self._probe)
        self.column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        self._summary = self.add_paragraph()
        self.column.addStretch()

    def tick(self) -> None:
        """Show the current results of the checks."""
        checks = self.setup.readiness_checks()
        while len(self._rows) < len(checks):
            self._add_row()
        for place, labels in enumerate(self._rows):
            for label in labels:
                label.setVisible(place < len(checks))
            if place < len(checks):
                self._show(labels, checks[place])
        ready = bool(checks) and all(check.verdict is Verdict.OK for check in checks)
        self.show_phrase(
            self._summary,
            Phrase("All of it is proved: what is sent to the public address comes in here.")
            if ready
            else Phrase("Not proved yet. You may go on all the same and come back; until then no alert may arrive."),
        )
        words = N_("&Next") if ready else N_("Go on a&nyway")
        if words != self.next_text:
            self.next_text = words
            self.next_text_changed.emit()

    def _add_row(self) -> None:
        labels = SafeLabel(), SafeLabel(heading=1), SafeLabel(wrapped=True, selectable=True)
        for column, label in enumerate(labels):
            self._grid.addWidget(label, len(self._rows), column, Qt.AlignmentFlag.AlignTop if column < 2 else _FILL)
        self._rows.append(labels)

    def _show(self, labels: tuple[SafeLabel, SafeLabel, SafeLabel], check: Check) -> None:
        picture, name, words = labels
        picture.show_icon(level_icon(_VERDICT_LEVELS[check.verdict]), 20)
        self.show_phrase(name, check.name)
        self.show_phrase(words, PhraseList((check.said, check.do or ""), separator="\n"))
        verdict = Phrase(_VERDICT_TEXTS[check.verdict])
        result = Phrase("{check}: {verdict}. {said}", check=check.name, verdict=verdict, said=check.said)
        words.setAccessibleName(self.program.language.render(PhraseList((result, check.do or ""))))

    def _probe(self) -> None:
        self.setup.probe()
        self.tick()


_FILL: Final = Qt.AlignmentFlag(0)
