"""The overlay: a small bar that stays above all windows, never takes the focus, and replaces a missing tray.

On Wayland, a program cannot choose the position of its windows. The desktop chooses the initial position of the
overlay, and the user can drag the overlay elsewhere.
"""

from typing import Any, Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from trayalert.domain.phrase import N_
from trayalert.ui.backend import ProgramQueries, ProgramState
from trayalert.ui.captions import Captions
from trayalert.ui.icons import TrayIconState, tray_icon
from trayalert.ui.state_wording import overlay_text
from trayalert.ui.widgets.safe_text import SafeLabel, elided

_MARGIN: Final = 12
"""Pixels between the overlay and the edges of the screen, if the user has not moved the overlay."""
_STATE_KEY: Final = "strip"


class Overlay(QWidget):
    """The overlay. A click emits `window_requested`, a drag moves the overlay, and a right click opens `menu`."""

    window_requested = Signal()

    def __init__(self, program: ProgramQueries, menu: QMenu) -> None:
        kind = Qt.WindowType.Tool | Qt.WindowType.WindowStaysOnTopHint | Qt.WindowType.FramelessWindowHint
        super().__init__(None, kind | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_X11NetWmWindowTypeDock)  # keeps the overlay out of the window list
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._program = program
        self._captions = Captions(lambda: program.language)
        self._captions.bind(self.setWindowTitle, N_("trayalert strip"))
        self._state: ProgramState | None = None
        self._menu = menu
        self._icon_state: TrayIconState | None = None
        self._drag_offset: QPoint | None = None
        self._dragged = False
        self._position = _read_position(program.recall(_STATE_KEY))
        self._picture, self._text = SafeLabel(), SafeLabel(heading=1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 12, 5)
        layout.addWidget(self._picture)
        layout.addWidget(self._text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.screenRemoved.connect(self._move_into_place)
            app.primaryScreenChanged.connect(self._move_into_place)

    def show_state(self, state: ProgramState) -> None:
        """Show the icon and the summary for the given state of the program."""
        self._state, now, language = state, self._program.now(), self._program.language
        icon_state = TrayIconState.of(state, now=now)
        if icon_state != self._icon_state:
            self._icon_state = icon_state
            self._picture.show_icon(tray_icon(icon_state), 22)
        text = elided(overlay_text(state, language, now=now), 90)
        if text != self._text.text():
            self._text.show_text(text)
            self.setAccessibleName(language.say("trayalert: {state}", state=text))
            self._move_into_place()

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        if self._state is not None:
            self.show_state(self._state)

    def bring_up(self) -> None:
        """Show the overlay at its remembered or default position."""
        if not self.isVisible():
            self._move_into_place()
            self.show()

    def _move_into_place(self, _changed: object = None) -> None:
        """Resize the overlay to fit its text and move it to the position to which the user last dragged it.

        If the user has never dragged the overlay, move it to the lower right corner of the primary screen. The position
        is adjusted so that the whole overlay is on an existing screen.
        """
        self.adjustSize()
        screen = QGuiApplication.screenAt(self._position) if self._position else None
        available = (screen or QGuiApplication.primaryScreen()).availableGeometry()
        corner = QPoint(available.right() - self.width() - _MARGIN, available.bottom() - self.height() - _MARGIN)
        position = self._position or corner
        x = max(available.left(), min(position.x(), available.right() + 1 - self.width()))
        y = max(available.top(), min(position.y(), available.bottom() + 1 - self.height()))
        self.move(x, y)

    # Qt's event handlers

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Remember where the left button was pressed, because a click or a drag may follow."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._drag_offset, self._dragged = event.globalPosition().toPoint() - self.pos(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Move the overlay with the mouse as soon as the mouse has moved far enough for a drag."""
        if self._drag_offset is None:
            return
        position = event.globalPosition().toPoint() - self._drag_offset
        far = (position - self.pos()).manhattanLength() >= QGuiApplication.styleHints().startDragDistance()
        if not self._dragged and not far:
            return
        self._dragged = True
        if QGuiApplication.platformName().startswith("wayland"):
            self._drag_offset = None
            self.windowHandle().startSystemMove()
        else:
            self.move(position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Request the window after a click, or remember the new position after a drag."""
        if event.button() is not Qt.MouseButton.LeftButton or self._drag_offset is None:
            return
        self._drag_offset = None
        if not self._dragged:
            self.window_requested.emit()
            return
        self._position = self.pos()
        self._move_into_place()
        self._position = self.pos()
        self._program.remember(_STATE_KEY, {"x": self._position.x(), "y": self._position.y()})

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """Open the menu at the mouse pointer."""
        self._menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw a frame, because the desktop draws none around the overlay."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


def _read_position(remembered: Any) -> QPoint | None:
    match remembered:
        case {"x": int(x), "y": int(y)} if max(abs(x), abs(y)) < 100_000:
            return QPoint(x, y)
        case _:
            return None
