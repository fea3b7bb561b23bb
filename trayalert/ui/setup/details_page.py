"""The assistant's second page: the fields that the chosen ingress needs.

Problems with the fields are shown on this page. The page keeps all entered texts while the user looks at another
ingress or at another kind of tunnel.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QPushButton, QWidget

from trayalert.domain.phrase import N_, Phrase, PhraseList, as_sentence
from trayalert.domain.settings.ingress import ChosenIngress, Ingress, read_public_url
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.captions import Captions
from trayalert.ui.setup.fields import (
    PUBLIC_URL,
    Field,
    field_texts,
    fields_of,
    other_entries,
    table_problem,
    tunnel_table,
)
from trayalert.ui.setup.page import AssistantPage, SetupChoice, focus
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel, show_trusted_caption

_URL_PROBLEM: Final = Phrase(
    "The public address must be one such as https://alerts.example.com: no spaces, no query, and no secret in it."
)
_DESTINATION_SETTINGS: Final = {
    "cloudflared": N_("With a token, Cloudflare's dashboard says where it leads: it must lead to {address}."),
    "frpc": N_("frpc's file must lead to {address}."),
}
"""Sentences that say where the user sets a tunnel's destination, keyed by kind of tunnel.

The programs of all other kinds take the destination as an argument.
"""


class DetailsPage(AssistantPage):
    """Shows an explanation of the chosen ingress, and the fields that this ingress needs."""

    name = "details"
    title = N_("What it needs")
    next_text = N_("Save and go o&n")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        configured = setup.ingress()
        self._configured_tunnel = configured.tunnel if configured else {}
        self._entered = field_texts(self._configured_tunnel)
        self._entered[PUBLIC_URL.key] = (configured.public_url if configured else None) or ""
        self._inputs: dict[str, SafeField] = {}
        self._field_captions = Captions(lambda: program.language)
        self._shown: tuple[Field, ...] | None = None
        self._kind = QComboBox()
        self._kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.captions.bind(self._kind.setAccessibleName, N_("Program for the tunnel"))
        for kind, preset in PRESETS.items():
            self._kind.addItem(program.language.render(preset.title), kind)
        self._kind.currentIndexChanged.connect(self._choose_kind)
        self.column.addWidget(self._kind, 0, Qt.AlignmentFlag.AlignLeft)
        self._about = self.add_paragraph()
        self._form = QWidget()
        self._rows = QGridLayout(self._form)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setColumnStretch(1, 1)
        self.column.addWidget(self._form)
        self._problem = self.add_paragraph()
        self.captions.bind(self._problem.setAccessibleName, N_("What is wrong"))
        self.column.addStretch()

    def enter(self) -> None:
        """Show the fields for the chosen ingress and put the focus on the first input."""
        tunnel = self.choice.ingress is Ingress.TUNNEL
        self._kind.setVisible(tunnel)
        self._kind.setCurrentIndex(max(0, self._kind.findData(self.choice.kind)))
        self.choice.kind = self._kind.currentData()  # the remembered kind may be unknown to this version
        self._show_fields()
        first = next(iter(self._inputs.values()), None)
        focus(self._kind if tunnel or first is None else first)

    def leave(self) -> bool:
        """Save the chosen ingress and start using it. If there is a problem, show the problem and return False."""
        self._save_entered()
        problem, chosen = self._read_fields()
        if chosen is not None:
            problem = self.setup.choose_ingress(chosen)
        self.show_phrase(self._problem, Phrase("⚠ {problem}", problem=problem) if problem else "")
        return problem is None

    def retranslate(self) -> None:
        """Show all texts of the page in the current language. What the user has entered does not change."""
        super().retranslate()
        self._field_captions.retranslate()
        for place, preset in enumerate(PRESETS.values()):
            self._kind.setItemText(place, self.program.language.render(preset.title))

    def _choose_kind(self) -> None:
        self.choice.kind = self._kind.currentData()
        self._show_fields()

    def _show_fields(self) -> None:
        self.show_phrase(self._problem, "")
        self.show_phrase(self._about, self._about_text())
        fields = fields_of(self.choice.kind) if self.choice.ingress is Ingress.TUNNEL else (PUBLIC_URL,)
        if fields == self._shown:
            return
        self._save_entered()
        self._shown = fields
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._inputs = {}
        self._field_captions = Captions(lambda: self.program.language)
        self._form.hide()  # a widget that is added to a visible form cannot take the focus yet
        for row, field in enumerate(fields):
            self._add_row(row, field)
        self._set_tab_order()
        self._form.setVisible(bool(fields))

    def _set_tab_order(self) -> None:
        """Make the Tab key move the focus from the kind of tunnel to the fields of that kind.

        By default, Tab follows the order of creation, in which the fields come after the assistant's buttons.
        """
        places = (self._rows.itemAtPosition(row, column) for row in range(len(self._inputs)) for column in (1, 2))
        last: QWidget = self._kind
        for place in places:
            widget = place.widget() if place is not None else None
            if widget is not None and widget is not last:
                QWidget.setTabOrder(last, widget)
                last = widget

    def _add_row(self, row: int, field: Field) -> None:
        captions = self._field_captions
        line, label = SafeField("", self._entered.get(field.key, "")), SafeLabel()
        captions.bind(line.setAccessibleName, field.name)
        captions.bind(line.setPlaceholderText, field.placeholder)
        captions.bind(label.show_text, field.label)
        label.setBuddy(line)
        self._inputs[field.key] = line
        self._rows.addWidget(label, row, 0)
        self._rows.addWidget(line, row, 1, 1, 1 if field.button else 2)
        if field.button:
            pick = QPushButton()
            captions.bind(partial(show_trusted_caption, pick), N_("Choose…"))
            captions.bind(pick.setAccessibleName, field.button)
            pick.clicked.connect(lambda _checked=False: self._choose_file(line, field.name))
            self._rows.addWidget(pick, row, 2)

    def _choose_file(self, line: SafeField, name: str) -> None:
        language = self.program.language
        dialog = QFileDialog(self, language.say("{field} - trayalert", field=Phrase(name)))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(line.show_text)
        dialog.open()

    def _save_entered(self) -> None:
        self._entered.update((key, line.text().strip()) for key, line in self._inputs.items())

    def _about_text(self) -> str:
        match self.choice.ingress:
            case Ingress.TUNNEL:
                preset = PRESETS[self.choice.kind]
                lines = [Phrase("{sentence}.", sentence=as_sentence(preset.note)), preset.install_hint]
                if setting := _DESTINATION_SETTINGS.get(self.choice.kind):
                    lines.append(Phrase(setting, address=self.setup.listener_address()))
                if preset.url_pattern is not None:
                    lines.append(Phrase("Its public address is found by itself."))
            case Ingress.HOST:
                destination = Phrase(
                    "Pass requests to {address} on this computer, at the path /hook/ and below; all else is answered"
                    " with an empty 404.",
                    address=self.setup.listener_address(),
                )
                advice = Phrase("Better with https: the secret of the callback URL goes over that line.")
                lines = [PhraseList((destination, self._local_only_text())), advice]
            case _:
                destination = Phrase(
                    "In the router, forward a TCP port to port {port} of this computer, and give this computer an"
                    " address that stays.",
                    port=self.setup.listener_address().rpartition(":")[2],
                )
                advice = Phrase(
                    "The public address is the router's, with that port: http://203.0.113.7:8765, say. Its provider"
                    " must give it a public address of its own."
                )
                lines = [PhraseList((destination, self._local_only_text())), advice]
        return PhraseList(lines, separator="\n")

    def _local_only_text(self) -> str:
        """Return a note if the listener accepts requests only from this computer, else an empty string."""
        host = self.setup.listener_address().rpartition(":")[0]
        if not (host.startswith("127.") or host in {"localhost", "[::1]"}):
            return ""
        if self.choice.ingress is Ingress.FORWARD:
            return Phrase('Only this one is let in now; write host = "0.0.0.0" into settings.toml and restart.')
        return Phrase(
            'Where they come from another computer: only this one is let in now; write host = "0.0.0.0" into'
            " settings.toml and restart."
        )

    def _read_fields(self) -> tuple[str | None, ChosenIngress | None]:
        entered: Mapping[str, str] = {key: self._entered.get(key, "") for key in self._inputs}
        address = entered.get(PUBLIC_URL.key, "")
        public_url = read_public_url(address) if address else None
        tunnel: dict[str, object] = {}
        if self.choice.ingress is Ingress.TUNNEL:
            try:
                tunnel = other_entries(self.choice.kind, self._configured_tunnel) | tunnel_table(
                    self.choice.kind, entered
                )
            except ValueError:
                return Phrase("The command has a quote without an end."), None
            if problem := table_problem(self.choice.kind, tunnel):
                return problem, None
        url_from_output = bool(tunnel.get("url_pattern"))
        if PUBLIC_URL.key in self._inputs and public_url is None and (address or not url_from_output):
            return _URL_PROBLEM, None
        return None, ChosenIngress(ingress=self.choice.ingress, public_url=public_url, tunnel=tunnel)
