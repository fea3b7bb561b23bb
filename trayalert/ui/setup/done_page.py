"""The assistant's last page: autostart at login, and what to do when trayalert is blind."""

from functools import partial

from PySide6.QtWidgets import QCheckBox

from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.setup.page import AssistantPage, SetupChoice, focus
from trayalert.ui.state_wording import problem_sentences, reachability_text
from trayalert.ui.widgets.safe_text import show_trusted_caption


class DonePage(AssistantPage):
    """Shows reachability, a check box for autostart, and advice on what to do when something is wrong."""

    name = "done"
    title = N_("Done")
    next_text = N_("&Finish")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self._reachability = self.add_paragraph()
        self._autostart = QCheckBox()
        self.captions.bind(partial(show_trusted_caption, self._autostart), N_("&Start with the session"))
        self.captions.bind(self._autostart.setAccessibleDescription, N_("trayalert starts by itself when you log in"))
        self._autostart.clicked.connect(self._set_autostart)
        self.column.addSpacing(6)
        self.column.addWidget(self._autostart)
        self._problem = self.add_paragraph()
        self.add_paragraph(
            N_(
                "While trayalert does not run, and while this computer sleeps, no alert can arrive. Such gaps are"
                " listed under Gaps…; Cloud Monitor itself tries an alert only a few times."
            )
        )
        self.add_paragraph(
            N_(
                "When the icon turns into the amber no-entry sign it is blind: no callback can arrive. The window says"
                " since when, why, and what to do; Reach > Check now looks again."
            ),
            space=6,
        )
        self.add_paragraph(
            N_(
                "When something seems wrong, `trayalert doctor` in a terminal looks at everything. Set up reach… in the"
                " menu opens the setup assistant again."
            ),
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
        reachability = Phrase("{sentence}.", sentence=reachability_text(state, self.program.language, now=now))
        self.show_phrase(self._reachability, PhraseList((reachability, *problem_sentences(state, now=now))))

    def _set_autostart(self, enabled: bool) -> None:
        problem = self.setup.set_autostart(enabled)
        self.show_phrase(self._problem, Phrase("⚠ {problem}", problem=problem) if problem else "")
        self.tick()
