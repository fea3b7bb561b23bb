"""What stands above the table: what burns, when the last callback came, whether any can, and what is wrong.

Its rule: what is wrong stays as long as it is so, in amber; what happened stays until it is dismissed, in a calmer one.
That the callback URL is another one is shouted: only the person can put it into the console's rules.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QFont, QIcon, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from trayalert.domain.text import sentence
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import Desk, DeskState
from trayalert.ui.safe_text import PlainLabel, copy_text
from trayalert.ui.state_wording import (
    calm_words,
    headline,
    is_paused,
    last_callback,
    paused_words,
    reach_words,
    trouble_words,
    url_words,
)

SAID_MS: Final = 8000
"""What the program says about a click stands this long."""
_AMBER: Final = QColor(255, 183, 3, 70)
_NONE: Final[Mapping[str, Callable[[], object]]] = MappingProxyType({})
_RED: Final = QColor(214, 38, 44, 90)


class StatusLine(QWidget):
    """The lines above the table, and what the person answers to them. `url_accepted`: the rules are changed."""

    news_dismissed = Signal()
    advice_dismissed = Signal()
    url_wanted = Signal()
    url_accepted = Signal()

    def __init__(self, language: Language) -> None:
        super().__init__()
        self._language = language
        self._picture = PlainLabel()
        self._headline = PlainLabel()
        font = QFont(self._headline.font())
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.3)
        self._headline.setFont(font)
        self._facts = PlainLabel(wrapped=True)
        answers = {"&Copy new callback URL": self.url_wanted.emit, "The rules are c&hanged": self.url_accepted.emit}
        self._url = _Band(_RED, answers)
        self._trouble = _Band(_AMBER)
        self._failed = _Band(_AMBER, {"Dismiss": lambda: self.complain("")})
        self._news = _Band(None, {"Dismiss": self.news_dismissed.emit})
        self._advice = _Band(None, {"Dismiss": self._drop_advice})
        self._said = PlainLabel()
        self._forget = QTimer(self, singleShot=True, interval=SAID_MS)
        self._forget.timeout.connect(lambda: self._said.show_text(""))
        self.open_only = QCheckBox("Open only")
        self._reach = QPushButton("&Reach")
        self._reach.setAccessibleName("What to do about reach")
        self._reach.setMenu(QMenu(self._reach))
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(3)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        layout.addWidget(self._picture, 0, 0, 2, 1)
        layout.addWidget(self._headline, 0, 1)
        layout.addWidget(self._facts, 1, 1)
        layout.addWidget(self._reach, 0, 2, right)
        layout.addWidget(self.open_only, 0, 3, right)
        layout.addWidget(self._said, 1, 2, 1, 2, right)
        for row, band in enumerate((self._url, self._trouble, self._failed, self._news, self._advice), 2):
            layout.addWidget(band, row, 0, 1, 4)
        layout.setColumnStretch(1, 1)

    def add_action(self, words: str, done: Callable[[], object]) -> QAction:
        """Put an entry into the menu of reach."""
        action = self._reach.menu().addAction(words)
        action.triggered.connect(lambda _checked=False: done())
        return action

    def show_state(self, state: DeskState, *, now: int, icon: QIcon, gap: str = "") -> None:
        """Show how things are; `gap` tells of the last one."""
        self._picture.setPixmap(icon.pixmap(QSize(40, 40), self.devicePixelRatioF()))
        self._headline.show_text(headline(state, self._language, now=now))
        facts = [last_callback(state, now=now), reach_words(state, now=now)]
        if gap:
            facts.append(gap)
        if is_paused(state, now=now):
            facts.append(f"Notifications {paused_words(state, now=now)}")
        if state.probing:
            facts.append(state.probing)
        self._facts.show_text(" · ".join(facts))
        self._url.show_sentences((url_words(state.url_changed),) if state.url_changed else ())
        self._trouble.show_sentences(trouble_words(state, now=now))
        self._news.show_sentences(state.news)

    def say(self, sentence: str) -> None:
        """Say it for a moment."""
        self._said.show_text(sentence)
        self._forget.start()

    def complain(self, sentence: str) -> None:
        """Say what failed until it is dismissed; nothing takes it away."""
        self._failed.show_sentences((sentence,) if sentence else ())

    def advise(self, sentence: str) -> None:
        """Say what would help, until it is dismissed."""
        self._advice.show_sentences((sentence,))

    def _drop_advice(self) -> None:
        self._advice.show_sentences(())
        self.advice_dismissed.emit()


class _Band(QWidget):
    """Sentences on a colour, hidden where there are none. Painted, as a style sheet would not follow light and dark."""

    def __init__(
        self, colour: QColor | None, answers: Mapping[str, Callable[[], object]] = MappingProxyType({})
    ) -> None:
        super().__init__()
        self._colour = colour
        self._words = PlainLabel(wrapped=True, selectable=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 8, 5)
        layout.addWidget(self._words, 1)
        for words, answer in answers.items():
            button = QPushButton(words)
            button.clicked.connect(lambda _checked=False, answer=answer: answer())
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._sign = "ⓘ" if colour is None else "⚠"
        self.hide()

    def show_sentences(self, sentences: tuple[str, ...]) -> None:
        """Show them, a line each."""
        self._words.show_text("\n".join(f"{self._sign} {sentence(text)}" for text in sentences))
        self.setVisible(bool(sentences))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the colour under the words; calm news have the desktop's own, thinned."""
        colour = self._colour or QColor(self.palette().color(QPalette.ColorRole.Highlight))
        if self._colour is None:
            colour.setAlpha(36)
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour)
        painter.end()
        super().paintEvent(event)


class EmptyWords(QWidget):
    """Stands in the table's place while it has no row."""

    guide_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._words = PlainLabel(wrapped=True, selectable=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        copy = QPushButton("Copy callback URL")
        copy.clicked.connect(lambda: copy_text(desk.callback_url()))
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(copy)
        guide = QPushButton("&Set up reach…")
        guide.clicked.connect(self.guide_wanted)
        row.addWidget(guide)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(self._words)
        layout.addSpacing(12)
        layout.addLayout(row)
        layout.addStretch(3)

    def show_state(self, state: DeskState) -> None:
        """Say what an empty table means."""
        self._words.show_text(calm_words(state, self._desk.language, now=self._desk.now()))
