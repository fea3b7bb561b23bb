"""The gaps window, which lists the most recent gaps and their reasons."""

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout

from trayalert.domain.times import Millis
from trayalert.ui.appearance import fit_to_screen
from trayalert.ui.backend import IncidentQueries
from trayalert.ui.icons import TrayIconState, tray_icon
from trayalert.ui.state_wording import GAPS_ADVICE, gap_cells
from trayalert.ui.widgets.safe_text import SafeLabel
from trayalert.ui.widgets.text_table import TextTable

MAX_GAPS: Final = 200


class GapsView(QDialog):
    """The gaps window, which is empty before the first call of `refresh`.

    The window is not modal. When the window is closed, Qt deletes it.
    """

    help_requested = Signal(str)
    """Emitted with the topic of a help page."""

    def __init__(self, incidents: IncidentQueries) -> None:
        super().__init__()
        self._incidents = incidents
        self.setWindowTitle("Gaps - trayalert")
        self.setWindowIcon(tray_icon(TrayIconState()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._summary = SafeLabel(wrapped=True, selectable=True)
        self._table = TextTable(("What", "From", "Until", "Lasted", "Why"), stretched=4, wrapped=True)
        self._table.setAccessibleName("Gaps, the last first")
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        QShortcut(QKeySequence("F1"), self).activated.connect(partial(self.help_requested.emit, "incidents"))
        layout = QVBoxLayout(self)
        for widget in (self._summary, self._table, close):
            layout.addWidget(widget, 1 if widget is self._table else 0)
        fit_to_screen(self, 820, 440)

    def refresh(self, *, now: Millis) -> None:
        """Read the gaps from the log and show them."""
        gaps = self._incidents.gaps(limit=MAX_GAPS)
        self._table.setVisible(bool(gaps))
        self._table.show_rows([gap_cells(gap, now=now) for gap in gaps or ()])
        if gaps is None:
            self._summary.show_text("The log cannot be read now.")
        elif not gaps:
            self._summary.show_text("There was none: as far as is known, callbacks could arrive at any time.")
        else:
            last = f" These are the last {MAX_GAPS}." if len(gaps) == MAX_GAPS else ""
            self._summary.show_text(f"Nothing could arrive in these times. {GAPS_ADVICE}{last}")
