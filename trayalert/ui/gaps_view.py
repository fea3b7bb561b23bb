"""The gaps window, which lists the most recent gaps and their reasons."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout

from trayalert.domain.gap import Gap
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.times import Millis
from trayalert.ui.appearance import fit_to_screen
from trayalert.ui.backend import IncidentQueries
from trayalert.ui.captions import Captions, CurrentLanguage
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

    def __init__(self, incidents: IncidentQueries, language: CurrentLanguage) -> None:
        super().__init__()
        self._incidents = incidents
        self._language = language
        self._gaps: Sequence[Gap] | None = ()
        self._now: Millis | None = None
        self._captions = Captions(language)
        self._captions.bind(self.setWindowTitle, N_("Gaps - trayalert"))
        self.setWindowIcon(tray_icon(TrayIconState()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._summary = SafeLabel(wrapped=True, selectable=True)
        titles = (N_("What"), N_("From"), N_("Until"), N_("Lasted"), N_("Why"))
        self._table = TextTable(titles, language, stretched=4, wrapped=True)
        self._captions.bind(self._table.setAccessibleName, N_("Gaps, the last first"))
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        QShortcut(QKeySequence("F1"), self).activated.connect(partial(self.help_requested.emit, "incidents"))
        layout = QVBoxLayout(self)
        for widget in (self._summary, self._table, close):
            layout.addWidget(widget, 1 if widget is self._table else 0)
        fit_to_screen(self, 820, 440)

    def refresh(self, *, now: Millis) -> None:
        """Read the gaps from the log and show them."""
        self._gaps, self._now = self._incidents.gaps(limit=MAX_GAPS), now
        self._show_gaps()

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        self._table.retranslate()
        self._show_gaps()

    def _show_gaps(self) -> None:
        if self._now is None:
            return
        gaps, now, language = self._gaps, self._now, self._language()
        self._table.setVisible(bool(gaps))
        self._table.show_rows([gap_cells(gap, language, now=now) for gap in gaps or ()])
        if gaps is None:
            self._summary.show_text(language.say("The log cannot be read now."))
        elif not gaps:
            self._summary.show_text(
                language.say("There was none: as far as is known, callbacks could arrive at any time.")
            )
        else:
            sentences = [Phrase("Nothing could arrive in these times."), Phrase(GAPS_ADVICE)]
            if len(gaps) == MAX_GAPS:
                sentences.append(Phrase("These are the last {count}.", count=MAX_GAPS))
            self._summary.show_text(language.render(PhraseList(sentences)))
