"""The gaps in a window of their own: when nothing could arrive, and why. Its rule: it is read when it is opened."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout

from trayalert.ui.backend import Desk
from trayalert.ui.icons import TrayLook, tray_icon
from trayalert.ui.safe_text import PlainLabel
from trayalert.ui.state_wording import GAPS_MEAN, gap_row
from trayalert.ui.text_table import TextTable

MOST: Final = 200


class GapsView(QDialog):
    """Not modal; it is gone once it is closed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setWindowTitle("Gaps - trayalert")
        self.setWindowIcon(tray_icon(TrayLook()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._words = PlainLabel(wrapped=True, selectable=True)
        self._table = TextTable(("What", "From", "Until", "Lasted", "Why"), stretched=4, wrapped=True)
        self._table.setAccessibleName("Gaps, the last first")
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        for widget in (self._words, self._table, close):
            layout.addWidget(widget, 1 if widget is self._table else 0)
        room = self.screen().availableGeometry().size()
        self.resize(min(820, room.width() - 40), min(440, room.height() - 60))
        self.refresh()

    def refresh(self) -> None:
        """Read them anew."""
        gaps, now = self._desk.gaps(limit=MOST), self._desk.now()
        self._table.setVisible(bool(gaps))
        self._table.show_rows([gap_row(gap, now=now) for gap in gaps or ()])
        if gaps is None:
            self._words.show_text("The log cannot be read now.")
        elif not gaps:
            self._words.show_text("There was none: as far as is known, callbacks could arrive at any time.")
        else:
            last = f" These are the last {MOST}." if len(gaps) == MOST else ""
            self._words.show_text(f"Nothing could arrive in these times. {GAPS_MEAN}{last}")
