"""The strip: a small bar above all windows that says what burns, where no tray does. Its rule: it takes no focus.

On Wayland a program cannot place its windows: there the strip can be dragged, and its place is the desktop's affair.
"""

from typing import Any, Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from trayalert.ui.backend import Desk, DeskState
from trayalert.ui.icons import TrayLook, tray_icon
from trayalert.ui.safe_text import PlainLabel, elided
from trayalert.ui.state_wording import strip_words

_EDGE: Final = 12
"""Pixels between the strip and the corner where it stands at first."""
_MEMORY: Final = "strip"


class Strip(QWidget):
    """The bar. A click wants the window, a drag moves it, a right click opens the menu."""

    window_wanted = Signal()

    def __init__(self, desk: Desk, menu: QMenu) -> None:
        kind = Qt.WindowType.Tool | Qt.WindowType.WindowStaysOnTopHint | Qt.WindowType.FramelessWindowHint
        super().__init__(None, kind | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_X11NetWmWindowTypeDock)  # a bare tool stands in the list of windows
        self.setWindowTitle("trayalert strip")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._desk = desk
        self._menu = menu
        self._look: TrayLook | None = None
        self._pressed: QPoint | None = None
        self._dragged = False
        self._place = _read_place(desk.recall(_MEMORY))
        self._picture, self._words = PlainLabel(), PlainLabel()
        font = self._words.font()
        font.setBold(True)
        self._words.setFont(font)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 12, 5)
        layout.addWidget(self._picture)
        layout.addWidget(self._words)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.screenRemoved.connect(self._stand)
            app.primaryScreenChanged.connect(self._stand)

    def show_state(self, state: DeskState) -> None:
        """Show how things are."""
        now = self._desk.now()
        look = TrayLook.of(state, now=now)
        if look != self._look:
            self._look = look
            self._picture.setPixmap(tray_icon(look).pixmap(QSize(22, 22), self.devicePixelRatioF()))
        words = elided(strip_words(state, self._desk.language, now=now), 90)
        if words != self._words.text():
            self._words.show_text(words)
            self.setAccessibleName(f"trayalert: {words}")
            self._stand()

    def bring_up(self) -> None:
        """Show it at its place."""
        if not self.isVisible():
            self._stand()
            self.show()

    def _stand(self, _changed: object = None) -> None:
        """Stand at the remembered place, or at the corner, on a screen that is there; as wide as the words."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(self._place) if self._place else None
        room = (screen or QGuiApplication.primaryScreen()).availableGeometry()
        corner = QPoint(room.right() - self.width() - _EDGE, room.bottom() - self.height() - _EDGE)
        wanted = self._place or corner
        x = max(room.left(), min(wanted.x(), room.right() + 1 - self.width()))
        y = max(room.top(), min(wanted.y(), room.bottom() + 1 - self.height()))
        self.move(x, y)

    # Qt's own

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Begin a click or a drag."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.globalPosition().toPoint() - self.pos(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Move along."""
        if self._pressed is None:
            return
        wanted = event.globalPosition().toPoint() - self._pressed
        far = (wanted - self.pos()).manhattanLength() >= QGuiApplication.styleHints().startDragDistance()
        if not self._dragged and not far:
            return
        self._dragged = True
        if QGuiApplication.platformName().startswith("wayland"):
            self._pressed = None
            self.windowHandle().startSystemMove()
        else:
            self.move(wanted)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """End a click or a drag."""
        if event.button() is not Qt.MouseButton.LeftButton or self._pressed is None:
            return
        self._pressed = None
        if not self._dragged:
            self.window_wanted.emit()
            return
        self._place = self.pos()
        self._stand()
        self._place = self.pos()
        self._desk.remember(_MEMORY, {"x": self._place.x(), "y": self._place.y()})

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """Open the menu."""
        self._menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Draw a frame, as it has none of the desktop's."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


def _read_place(remembered: Any) -> QPoint | None:
    match remembered:
        case {"x": int(x), "y": int(y)} if max(abs(x), abs(y)) < 100_000:
            return QPoint(x, y)
        case _:
            return None
