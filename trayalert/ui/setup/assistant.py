"""The setup assistant's window, which is not modal.

The user can close the window at any time. The next time, the assistant opens on the same page. After the user has
finished the last page, the assistant opens on the first page. Everything can be done with the keyboard: Escape closes
the window, and Enter goes to the next page.
"""

from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from trayalert.domain.events import Event
from trayalert.domain.phrase import N_
from trayalert.ui.appearance import fit_to_screen
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.captions import Captions
from trayalert.ui.icons import TrayIconState, tray_icon
from trayalert.ui.setup.console_page import ConsolePage
from trayalert.ui.setup.details_page import DetailsPage
from trayalert.ui.setup.done_page import DonePage
from trayalert.ui.setup.ingress_page import IngressPage
from trayalert.ui.setup.page import AssistantPage, SetupChoice, focus
from trayalert.ui.setup.ready_page import ReadyPage
from trayalert.ui.setup.test_page import TestPage
from trayalert.ui.widgets.safe_text import SafeLabel, show_trusted_caption

TICK_MS: Final = 1000
STATE_KEY: Final = "setup"
_PAGES: Final[tuple[type[AssistantPage], ...]] = (IngressPage, DetailsPage, ReadyPage, ConsolePage, TestPage, DonePage)


class SetupAssistant(QDialog):
    """The assistant's window with its six pages, from the choice of the ingress to the offer of autostart.

    The current page is refreshed every `tick_interval` milliseconds.
    """

    help_requested = Signal(str)
    """Emitted with the topic of a help page."""

    def __init__(self, setup: SetupActions, program: ProgramQueries, *, tick_interval: int = TICK_MS) -> None:
        super().__init__()
        self._program = program
        self._captions = Captions(lambda: program.language)
        self._captions.bind(self.setWindowTitle, N_("Set up reach - trayalert"))
        self.setWindowIcon(tray_icon(TrayIconState()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        remembered = program.recall(STATE_KEY)
        self._choice = SetupChoice.of(setup.ingress(), remembered)
        self._title, self._step = SafeLabel(heading=1.3), SafeLabel()
        self._stack = QStackedWidget()
        self._pages = [page(setup, program, self._choice) for page in _PAGES]
        self._back, self._next, self._close = QPushButton(), QPushButton(), QPushButton()
        self._captions.bind(partial(show_trusted_caption, self._back), N_("&Back"))
        self._captions.bind(partial(show_trusted_caption, self._close), N_("Close"))
        self._lay_out()
        self._ticker = QTimer(self, interval=tick_interval)
        self._ticker.timeout.connect(self._tick)
        self._back.clicked.connect(self._go_back)
        self._next.clicked.connect(self._go_forward)
        self._close.clicked.connect(self.reject)
        self.finished.connect(self._ticker.stop)
        QShortcut(QKeySequence("F1"), self).activated.connect(partial(self.help_requested.emit, "connection"))
        self._show_page(self._first_index(remembered))
        self._ticker.start()

    def on_events(self, events: list[Event]) -> None:
        """Pass events to all pages, and refresh the current page."""
        for event in events:
            for page in self._pages:
                page.on_event(event)
        self._tick()

    def retranslate(self) -> None:
        """Show everything in the current language. Entered texts, the current page and the focus do not change."""
        self._captions.retranslate()
        for page in self._pages:
            page.retranslate()
        self._show_position()
        self._update_next_button()

    def _tick(self) -> None:
        self.page.tick()

    @property
    def page(self) -> AssistantPage:
        """The page that is shown."""
        return self._pages[self._stack.currentIndex()]

    def _first_index(self, remembered: object) -> int:
        match remembered:
            case {"page": str(name), "finished": False}:
                return next((place for place, page in enumerate(self._pages) if page.name == name), 0)
            case _:
                return 0

    def _lay_out(self) -> None:
        for page in self._pages:
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setWidget(page)
            page.next_text_changed.connect(self._update_next_button)
            self._stack.addWidget(area)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._step)
        foot = QHBoxLayout()
        foot.addWidget(self._close)
        foot.addStretch()
        foot.addWidget(self._back)
        foot.addWidget(self._next)
        self._next.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        layout.addLayout(foot)
        for widget in self.findChildren(QWidget):
            if isinstance(widget, QRadioButton | QCheckBox | QComboBox):
                widget.installEventFilter(self)
        fit_to_screen(self, 720, 500)

    def _show_page(self, place: int) -> None:
        self._stack.setCurrentIndex(place)
        self._show_position()
        self._back.setEnabled(place > 0)
        focus(self._next)  # `enter` moves the focus if the page has an input
        self.page.enter()
        self._update_next_button()
        self._remember(finished=False)

    def _show_position(self) -> None:
        """Show the title and the number of the current page."""
        language, number, count = self._program.language, self._stack.currentIndex() + 1, len(self._pages)
        title = language.say(self.page.title)
        self._title.show_text(title)
        self._step.show_text(language.say("Step {number} of {count}", number=number, count=count))
        self.setAccessibleName(
            language.say("{title}, step {number} of {count}", title=title, number=number, count=count)
        )

    def _update_next_button(self) -> None:
        show_trusted_caption(self._next, self._program.language.say(self.page.next_text))

    def _go_back(self) -> None:
        self._show_page(self._stack.currentIndex() - 1)

    def _go_forward(self) -> None:
        if not self.page.leave():
            return
        if self._stack.currentIndex() + 1 < len(self._pages):
            self._show_page(self._stack.currentIndex() + 1)
            return
        self._remember(finished=True)
        self.accept()

    def _remember(self, *, finished: bool) -> None:
        choice = {"way": str(self._choice.ingress), "kind": self._choice.kind}
        self._program.remember(STATE_KEY, {"page": self.page.name, "finished": finished, **choice})

    # Qt's event handlers

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Call the current page's `enter`, which sets the focus. A hidden page could not keep the focus."""
        super().showEvent(event)
        self.page.enter()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Make the focus visible as soon as the window becomes active.

        By default, Qt shows the focus only after the user has pressed Tab.
        """
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            QTimer.singleShot(0, self, self._show_focus)

    def _show_focus(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
        self.page.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Make Enter go to the next page even if a radio button, a check box or a combo box has the focus.

        By default, Qt's GNOME theme makes Enter check a button and open the list of a combo box.
        """
        enter = isinstance(event, QKeyEvent) and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if not enter or event.type() is not QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        self._next.click()
        return True
