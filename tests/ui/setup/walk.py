"""Walks through the setup assistant as a user who uses only the keyboard."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend
from trayalert.domain.incident.level import Level
from trayalert.ui.icons import level_icon
from trayalert.ui.setup.assistant import TICK_MS, SetupAssistant
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel

ENTER, ALT, PLAIN = Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier


class Walk:
    """A visible setup assistant, and a user who uses only the keyboard."""

    def __init__(self, qtbot: QtBot, backend: FakeBackend, *, tick_interval: int = TICK_MS) -> None:
        self.backend = backend
        self.assistant = SetupAssistant(backend.setup, backend.program, tick_interval=tick_interval)
        # the test still uses the closed window
        self.assistant.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
        qtbot.addWidget(self.assistant)
        with qtbot.waitExposed(self.assistant):
            self.assistant.show()
        self.assistant.activateWindow()
        qtbot.waitUntil(self.assistant.isActiveWindow)

    @property
    def focus(self) -> QWidget:
        widget = QApplication.focusWidget()
        assert widget is not None
        return widget

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        QTest.keyClick(self.focus, key, modifier)

    def write(self, text: str) -> None:
        QTest.keyClicks(self.focus, text)

    def step(self) -> int:
        return int(next(word for word in self.words().split("\n") if word.startswith("Step "))[5])

    def go_to(self, step: int) -> None:
        """Move on to a step by pressing Enter only, with the values that a Cloudflare tunnel needs."""
        for at in range(self.step(), step):
            if at == 2:
                self.field("Name of the tunnel").show_text("alerts")
                self.field("Public address").show_text("https://alerts.example.com")
            self.press(ENTER)
            assert self.step() == at + 1

    def words(self) -> str:
        return "\n".join(one.text() for one in self.assistant.findChildren(SafeLabel) if one.isVisible())

    def field(self, name: str) -> SafeField:
        return next(
            one for one in self.assistant.findChildren(SafeField) if one.accessibleName() == name and one.isVisible()
        )

    def button(self, words: str) -> QPushButton:
        return next(one for one in self.assistant.findChildren(QPushButton) if one.isVisible() and one.text() == words)

    def is_green(self) -> bool:
        keys = [one.pixmap().toImage() for one in self.assistant.findChildren(SafeLabel) if one.isVisible()]
        tick = level_icon(Level.OK).pixmap(64, 64).toImage()
        return any(key == tick for key in keys)
