"""The assistant's last page: autostart at login, and what to do when trayalert is blind."""

from PySide6.QtWidgets import QCheckBox

from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.setup.page import AssistantPage, SetupChoice, focus
from trayalert.ui.state_wording import problem_sentences, reachability_text


class DonePage(AssistantPage):
    """Shows reachability, a check box for autostart, and advice on what to do when something is wrong."""

    name = "done"
    title = "Done"
    next_text = "&Finish"

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self._reachability = self.add_paragraph("")
        self._autostart = QCheckBox("&Start with the session")
        self._autostart.setAccessibleDescription("trayalert starts by itself when you log in")
        self._autostart.clicked.connect(self._set_autostart)
        self.column.addSpacing(6)
        self.column.addWidget(self._autostart)
        self._problem = self.add_paragraph("")
        self.add_paragraph(
            "While trayalert does not run, and while this computer sleeps, no alert can arrive. Such gaps are listed"
            " under Gaps…; Cloud Monitor itself tries an alert only a few times."
        )
        self.add_paragraph(
            "When the icon turns into the amber no-entry sign it is blind: no callback can arrive. The window says"
            " since when, why, and what to do; Reach > Check now looks again.",
            space=6,
        )
        self.add_paragraph(
            "When something seems wrong, `trayalert doctor` in a terminal looks at everything. Set up reach… in the"
            " menu opens the setup assistant again.",
            space=6,
        )
        self.column.addStretch()

    def enter(self) -> None:
        """Refresh the page. If autostart is available, put the focus on the check box for autostart."""
        super().enter()
        if self._autostart.isVisibleTo(self):
            focus(self._autostart)

    def tick(self) -> None:
        """Show whether autostart is enabled, the current reachability, and what is wrong."""
        enabled = self.setup.autostart_enabled()
        self._autostart.setVisible(enabled is not None)
        self._autostart.setChecked(bool(enabled))
        state, now = self.program.state(), self.program.now()
        self._reachability.show_text(
            " ".join((f"{reachability_text(state, now=now)}.", *problem_sentences(state, now=now)))
        )

    def _set_autostart(self, enabled: bool) -> None:
        problem = self.setup.set_autostart(enabled)
        self._problem.show_text(f"⚠ {problem}" if problem else "")
        self.tick()
