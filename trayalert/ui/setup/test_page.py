"""The assistant's fifth page, which waits for a callback from the console's Test button, or from a rule.

The page can also send a sample. A callback that arrives while a sample is on its way may be the sample itself. The page
therefore ignores the callback, unless the callback comes from the Test button.
"""

from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from trayalert.domain.events import CallbackArrived, Event, SampleSent, TestReceived
from trayalert.domain.incident.level import Level
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.times import Millis
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.icons import level_icon
from trayalert.ui.setup.page import AssistantPage, SetupChoice
from trayalert.ui.widgets.safe_text import SafeLabel, show_trusted_caption
from trayalert.ui.wording import local_time

_LATE_MS: Final[Millis] = 10_000
"""How long, in milliseconds, a sample may still arrive after sending has failed."""


class TestPage(AssistantPage):
    """Waits for a callback from the console's Test button or from a rule, and offers to send a sample."""

    __test__ = False  # keeps pytest from collecting this class
    name = "test"
    title = N_("Waiting for the console's Test")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self._received: Event | None = None
        self._sample_spans: list[tuple[Millis, Millis]] = []
        self._sample_began_at: Millis | None = None
        self.add_paragraph(
            N_("Click Test beside the callback URL in the console, or let a rule send an alert. It is awaited here.")
        )
        self._picture, self._text = SafeLabel(), SafeLabel(wrapped=True, heading=1.3)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._picture)
        row.addWidget(self._text, 1)
        self.column.addSpacing(12)
        self.column.addLayout(row)
        self._detail = self.add_paragraph()
        self.column.addSpacing(16)
        self.add_paragraph(
            N_(
                "No console at hand? A rehearsal sends a sample alert from here to the public address, as Cloud Monitor"
                " would. It proves the way in, not the console's side."
            )
        )
        self._button = QPushButton()
        self.captions.bind(partial(show_trusted_caption, self._button), N_("&Rehearse without Alibaba"))
        self._button.clicked.connect(self._send_sample)
        self.column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        self._sample_result = self.add_paragraph()
        self.column.addStretch()
        self._show()

    def enter(self) -> None:
        """Show what has arrived so far."""
        self._show()

    def retranslate(self) -> None:
        """Show all texts of the page in the current language."""
        super().retranslate()
        self._show()

    def on_event(self, event: Event) -> None:
        """Show that a callback has arrived, or show the result of sending a sample."""
        match event:
            case SampleSent():
                self._on_sample_sent(event)
            case TestReceived():
                self._received = event
            case CallbackArrived(at) if not isinstance(self._received, TestReceived) and not self._is_sample(at):
                self._received = event
            case _:
                return
        self._show()

    def _is_sample(self, at: Millis) -> bool:
        running = self._sample_began_at is not None and at >= self._sample_began_at
        return running or any(began <= at <= ended for began, ended in self._sample_spans)

    def _send_sample(self) -> None:
        if self._sample_began_at is not None:
            return  # the button is not disabled while a sample is sent, because it would lose the focus
        self._sample_began_at = self.program.now()
        self.show_phrase(self._sample_result, Phrase("Sending a sample…"))
        self.setup.send_sample()

    def _on_sample_sent(self, sample: SampleSent) -> None:
        if self._sample_began_at is not None:
            self._sample_spans.append((self._sample_began_at, self.program.now() + (_LATE_MS if sample.problem else 0)))
        self._sample_began_at = None
        if sample.problem:
            result = Phrase("⚠ The rehearsal failed: {problem}", problem=sample.problem)
        elif sample.public:
            result = Phrase(
                "✓ The sample went out through the public address and came in here. That is no proof of the console's"
                " side: that the URL stands in a rule, only its Test shows."
            )
        else:
            result = Phrase(
                "⚠ The sample was received, but it was sent on this computer only, because no public address is known."
                " Whether Cloud Monitor can reach this computer is not proved."
            )
        self.show_phrase(self._sample_result, result)

    def _show(self) -> None:
        now = self.program.now()
        self._picture.show_icon(level_icon(Level.OK if self._received else None), 64)
        match self._received:
            case TestReceived(at):
                text = Phrase("The console's Test came in at {time}", time=local_time(at, now=now))
                detail = Phrase("Cloud Monitor reaches you. Give the URL to your other rules, too.")
            case CallbackArrived(at):
                text = Phrase("A callback came in at {time}", time=local_time(at, now=now))
                detail = Phrase("Something sends to the callback URL: the console, unless it was you yourself.")
            case _:
                text = Phrase("Waiting…")
                detail = Phrase("You may close the setup assistant meanwhile: a Test is notified too.")
        self.show_phrase(self._text, text)
        self.show_phrase(self._detail, detail)
        self._picture.setAccessibleName(self._text.text())
