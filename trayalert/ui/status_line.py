"""The lines above the incident table: open incidents, time of the latest callback, reachability, problems and news.

The colour of the background says what a line contains:

- amber: a problem, which is shown for as long as the problem lasts
- the desktop's highlight colour: news, which is shown until the user dismisses the news
- red: a changed callback URL, because only the user can change the rules in the console
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from trayalert.domain.gap import Gap
from trayalert.domain.phrase import N_, as_sentence
from trayalert.ui.backend import ProgramState, SetupActions
from trayalert.ui.captions import Captions, CurrentLanguage
from trayalert.ui.state_wording import (
    empty_table_text,
    headline,
    is_paused,
    last_callback_text,
    last_gap_text,
    paused_text,
    problem_sentences,
    reachability_text,
    url_changed_text,
)
from trayalert.ui.widgets.safe_text import SafeLabel, copy_text, show_trusted_caption

MESSAGE_MS: Final = 8000
"""Milliseconds for which a message about the result of a click is shown."""
_AMBER: Final = QColor(255, 183, 3, 70)
_RED: Final = QColor(214, 38, 44, 90)


class StatusLine(QWidget):
    """The lines above the incident table."""

    news_dismissed = Signal()
    advice_dismissed = Signal()
    url_copy_requested = Signal()
    url_accepted = Signal()
    """Emitted when the user confirms that the rules in the console have been changed to the new callback URL."""
    help_requested = Signal()

    def __init__(self, language: CurrentLanguage) -> None:
        super().__init__()
        self._language = language
        self._captions = Captions(language)
        self._message_text: Callable[[], str] = str
        self._picture = SafeLabel()
        self._headline = SafeLabel(heading=1.3)
        self._facts = SafeLabel(wrapped=True)
        buttons = {
            N_("&Copy new callback URL"): self.url_copy_requested.emit,
            N_("The rules are chan&ged"): self.url_accepted.emit,
        }
        self._url = _Band(language, _RED, buttons)
        self._problems = _Band(language, _AMBER)
        self._problem = _Band(language, _AMBER, {N_("Dismiss"): lambda: self.show_problem("")})
        self._news = _Band(language, None, {N_("Dismiss"): self.news_dismissed.emit})
        self._advice = _Band(language, None, {N_("Dismiss"): self._drop_advice})
        self._bands = (self._url, self._problems, self._problem, self._news, self._advice)
        self._message = SafeLabel()
        self._message_timer = QTimer(self, singleShot=True, interval=MESSAGE_MS)
        self._message_timer.timeout.connect(self._clear_message)
        self.open_only = QCheckBox()
        self._captions.bind(partial(show_trusted_caption, self.open_only), N_("Open only"))
        self._reach_button = QPushButton()
        self._captions.bind(partial(show_trusted_caption, self._reach_button), N_("&Reach"))
        self._captions.bind(self._reach_button.setAccessibleName, N_("What to do about reach"))
        self._reach_button.setMenu(QMenu(self._reach_button))
        help_button = QPushButton()
        self._captions.bind(partial(show_trusted_caption, help_button), N_("&Help"))
        help_button.clicked.connect(self.help_requested)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(10)
        layout.setVerticalSpacing(3)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        layout.addWidget(self._picture, 0, 0, 2, 1)
        layout.addWidget(self._headline, 0, 1)
        layout.addWidget(self._facts, 1, 1)
        layout.addWidget(self._reach_button, 0, 2, right)
        layout.addWidget(self.open_only, 0, 3, right)
        layout.addWidget(help_button, 0, 4, right)
        layout.addWidget(self._message, 1, 2, 1, 3, right)
        for row, band in enumerate(self._bands, 2):
            layout.addWidget(band, row, 0, 1, 5)
        layout.setColumnStretch(1, 1)

    def add_action(self, caption: str, on_triggered: Callable[[], object]) -> QAction:
        """Add an entry to the menu of the "Reach" button, and return the entry.

        `caption` is marked with `N_` and translated here.
        """
        action = self._reach_button.menu().addAction("")
        self._captions.bind(partial(show_trusted_caption, action), caption)
        action.triggered.connect(lambda _checked=False: on_triggered())
        return action

    def retranslate(self) -> None:
        """Show all texts in the current language. The caller then calls `show_state`."""
        self._captions.retranslate()
        for band in self._bands:
            band.retranslate()
        self._message.show_text(self._message_text())

    def show_state(self, state: ProgramState, *, now: int, icon: QIcon, gaps: Sequence[Gap] = ()) -> None:
        """Show the program's state.

        `icon` is the icon for this state. `gaps` are the latest gaps, the most recent first.
        """
        language = self._language()
        self._picture.show_icon(icon, 40)
        self._headline.show_text(headline(state, language, now=now))
        facts = [last_callback_text(state, language, now=now), reachability_text(state, language, now=now)]
        gap = last_gap_text(gaps, language, now=now)
        if gap:
            facts.append(gap)
        if is_paused(state, now=now):
            facts.append(paused_text(state, language, now=now))
        if state.secret_guesses:
            facts.append(language.render(state.secret_guesses))
        self._facts.show_text(" · ".join(facts))
        self._url.show_sentences((url_changed_text(state.url_changed),) if state.url_changed else ())
        self._problems.show_sentences(problem_sentences(state, now=now))
        self._news.show_sentences(state.news)

    def show_message(self, sentence: str) -> None:
        """Show a sentence for `MESSAGE_MS` milliseconds."""
        self._show_message(lambda: self._language().render(sentence))

    def show_reachability(self, state: ProgramState, *, now: int) -> None:
        """Show for `MESSAGE_MS` milliseconds whether callbacks get through."""
        self._show_message(
            lambda: self._language().say("{sentence}.", sentence=reachability_text(state, self._language(), now=now))
        )

    def _show_message(self, text: Callable[[], str]) -> None:
        self._message_text = text
        self._message.show_text(text())
        self._message_timer.start()

    def show_problem(self, sentence: str) -> None:
        """Show a sentence that says what failed, until the user dismisses it.

        An empty string hides the current sentence.
        """
        self._problem.show_sentences((sentence,) if sentence else ())

    def show_advice(self, sentence: str) -> None:
        """Show a piece of advice until the user dismisses it."""
        self._advice.show_sentences((sentence,))

    def _clear_message(self) -> None:
        self._message_text = str
        self._message.show_text("")

    def _drop_advice(self) -> None:
        self._advice.show_sentences(())
        self.advice_dismissed.emit()


class _Band(QWidget):
    """A widget that shows sentences on a coloured background, and is hidden while there are no sentences.

    The background is painted in `paintEvent`, because a style sheet would not adapt when the desktop switches between
    light and dark.
    """

    def __init__(
        self,
        language: CurrentLanguage,
        colour: QColor | None,
        buttons: Mapping[str, Callable[[], object]] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._language = language
        self._captions = Captions(language)
        self._sentences: tuple[str, ...] = ()
        self._colour = colour
        self._text = SafeLabel(wrapped=True, selectable=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 8, 5)
        layout.addWidget(self._text, 1)
        for caption, on_click in buttons.items():
            button = QPushButton()
            self._captions.bind(partial(show_trusted_caption, button), caption)
            button.clicked.connect(lambda _checked=False, on_click=on_click: on_click())
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._sign = "ⓘ" if colour is None else "⚠"
        self.hide()

    def show_sentences(self, sentences: tuple[str, ...]) -> None:
        """Show the sentences, each on its own line. If there are no sentences, hide the band."""
        self._sentences = sentences
        shown = [self._language().render(as_sentence(text)) for text in sentences]
        self._text.show_text("\n".join(f"{self._sign} {text}" for text in shown))
        self.setVisible(bool(sentences))

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        self.show_sentences(self._sentences)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the background. A band without a colour gets the desktop's highlight colour, made translucent."""
        colour = self._colour or QColor(self.palette().color(QPalette.ColorRole.Highlight))
        if self._colour is None:
            colour.setAlpha(36)
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour)
        painter.end()
        super().paintEvent(event)


class EmptyView(QWidget):
    """The view that replaces the incident table while the table has no rows."""

    setup_requested = Signal()

    def __init__(self, setup: SetupActions, language: CurrentLanguage) -> None:
        super().__init__()
        self._language = language
        self._captions = Captions(language)
        self._text = SafeLabel(wrapped=True, selectable=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        copy = QPushButton()
        self._captions.bind(partial(show_trusted_caption, copy), N_("Copy callback URL"))
        copy.clicked.connect(lambda: copy_text(setup.callback_url()))
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(copy)
        set_up = QPushButton()
        self._captions.bind(partial(show_trusted_caption, set_up), N_("&Set up reach…"))
        set_up.clicked.connect(self.setup_requested)
        row.addWidget(set_up)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(self._text)
        layout.addSpacing(12)
        layout.addLayout(row)
        layout.addStretch(3)

    def show_state(self, state: ProgramState, *, now: int) -> None:
        """Show a message that says what the empty table means in the given state."""
        self._text.show_text(empty_table_text(state, self._language(), now=now))

    def retranslate(self) -> None:
        """Show all texts in the current language. The caller then calls `show_state`."""
        self._captions.retranslate()
