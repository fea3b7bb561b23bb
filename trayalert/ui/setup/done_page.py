"""The last page: what remains to be set, and what to do when it turns blind."""

from PySide6.QtWidgets import QCheckBox

from trayalert.ui.backend import Desk
from trayalert.ui.setup.page import Choice, Page, focus
from trayalert.ui.state_wording import reach_words, trouble_words


class DonePage(Page):
    """Start with the session, and the signs of trouble."""

    name = "done"
    title = "Done"
    next_words = "&Finish"

    def __init__(self, desk: Desk, choice: Choice) -> None:
        super().__init__(desk, choice)
        self._reach = self.say("")
        self._autostart = QCheckBox("&Start with the session")
        self._autostart.setAccessibleDescription("trayalert starts by itself when you log in")
        self._autostart.clicked.connect(self._set_autostart)
        self.column.addSpacing(6)
        self.column.addWidget(self._autostart)
        self._problem = self.say("")
        self.say(
            "While trayalert does not run, and while this computer sleeps, no alert can arrive. Such gaps are listed"
            " under Gaps…; Cloud Monitor itself tries an alert only a few times."
        )
        self.say(
            "When the icon turns into the amber no-entry sign it is blind: no callback can arrive. The window says"
            " since when, why, and what to do; Reach > Check now looks again.",
            space=6,
        )
        self.say(
            "When something seems wrong, `trayalert doctor` in a terminal looks at everything. Set up reach… in the"
            " menu opens this guide again.",
            space=6,
        )
        self.column.addStretch()

    def enter(self) -> None:
        """Show how things are."""
        self._show()
        if self._autostart.isVisibleTo(self):
            focus(self._autostart)

    def tick(self) -> None:
        """Show how things are."""
        self._show()

    def _show(self) -> None:
        starts = self.desk.autostarts()
        self._autostart.setVisible(starts is not None)
        self._autostart.setChecked(bool(starts))
        state, now = self.desk.state(), self.desk.now()
        self._reach.show_text(" ".join((f"{reach_words(state, now=now)}.", *trouble_words(state, now=now))))

    def _set_autostart(self, wanted: bool) -> None:
        problem = self.desk.set_autostart(wanted)
        self._problem.show_text(f"⚠ {problem}" if problem else "")
        self._show()
