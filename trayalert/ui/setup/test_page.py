"""The fifth page: it waits for the console's Test. Its rule: only what came from outside turns it green, no rehearsal.

A rehearsal arrives as a callback too, though never as a Test. So a callback that was received while one was under way
proves nothing here.
"""

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from trayalert.domain.events import CallbackArrived, Event, Rehearsed, TestReceived
from trayalert.domain.incident.level import Level
from trayalert.domain.times import Millis
from trayalert.ui.backend import Desk
from trayalert.ui.icons import level_icon
from trayalert.ui.safe_text import PlainLabel
from trayalert.ui.setup.page import Choice, Page
from trayalert.ui.wording import local_time

_PICTURE: Final = QSize(64, 64)
_LATE: Final[Millis] = 10_000
"""A rehearsal that failed may still come in so long after that."""


class TestPage(Page):
    """Waits for TestReceived, or a callback; offers a rehearsal."""

    __test__ = False  # no test of pytest's
    name = "test"
    title = "Waiting for the console's Test"

    def __init__(self, desk: Desk, choice: Choice) -> None:
        super().__init__(desk, choice)
        self._came: Event | None = None
        self._rehearsals: list[tuple[Millis, Millis]] = []
        self._began: Millis | None = None
        self.say("Click Test beside the callback URL in the console, or let a rule send an alert. It is awaited here.")
        self._picture, self._words = PlainLabel(), PlainLabel(wrapped=True)
        font = self._words.font()
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setBold(True)
        self._words.setFont(font)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._picture)
        row.addWidget(self._words, 1)
        self.column.addSpacing(12)
        self.column.addLayout(row)
        self._more = self.say("")
        self.column.addSpacing(16)
        self.say(
            "No console at hand? A rehearsal sends a sample alert from here to the public address, as Cloud Monitor"
            " would. It proves the way in, not the console's side."
        )
        self._button = QPushButton("&Rehearse without Alibaba")
        self._button.clicked.connect(self._rehearse)
        self.column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        self._rehearsed = self.say("")
        self.column.addStretch()
        self._show()

    def enter(self) -> None:
        """Show what came before."""
        self._show()

    def take(self, event: Event) -> None:
        """Look whether it is what is awaited."""
        match event:
            case Rehearsed(problem):
                self._end_rehearsal(problem)
            case TestReceived():
                self._came = event
            case CallbackArrived(at) if not isinstance(self._came, TestReceived) and not self._of_rehearsal(at):
                self._came = event
            case _:
                return
        self._show()

    def _of_rehearsal(self, at: Millis) -> bool:
        under_way = self._began is not None and at >= self._began
        return under_way or any(began <= at <= ended for began, ended in self._rehearsals)

    def _rehearse(self) -> None:
        if self._began is not None:
            return  # the button is not disabled meanwhile: it would lose the focus
        self._began = self.desk.now()
        self._rehearsed.show_text("Sending a sample through the public address…")
        self.desk.rehearse()

    def _end_rehearsal(self, problem: str | None) -> None:
        if self._began is not None:
            self._rehearsals.append((self._began, self.desk.now() + (_LATE if problem else 0)))
        self._began = None
        self._rehearsed.show_text(
            f"⚠ The rehearsal failed: {problem}"
            if problem
            else "✓ The sample went out through the public address and came in here. That is no proof of the console's"
            " side: that the URL stands in a rule, only its Test shows."
        )

    def _show(self) -> None:
        now = self.desk.now()
        picture = level_icon(Level.OK if self._came else None)
        self._picture.setPixmap(picture.pixmap(_PICTURE, self.devicePixelRatioF()))
        match self._came:
            case TestReceived(at):
                self._words.show_text(f"The console's Test came in at {local_time(at, now=now)}")
                self._more.show_text("Cloud Monitor reaches you. Give the URL to your other rules, too.")
            case CallbackArrived(at):
                self._words.show_text(f"A callback came in at {local_time(at, now=now)}")
                self._more.show_text("Something sends to the callback URL: the console, unless it was you yourself.")
            case _:
                self._words.show_text("Waiting…")
                self._more.show_text("You may close the guide meanwhile: a Test is notified too.")
        self._picture.setAccessibleName(self._words.text())
