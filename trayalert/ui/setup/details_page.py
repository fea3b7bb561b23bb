"""The second page: what the chosen way needs. Its rule: what fails is said here, and nothing written is lost."""

import re
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QPushButton, QWidget

from trayalert.domain.settings.ingress import ChosenWay, Way
from trayalert.domain.settings.public_url import read_public_url
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.domain.text import sentence
from trayalert.ui.backend import Desk
from trayalert.ui.safe_text import PlainField, PlainLabel
from trayalert.ui.setup.fields import PUBLIC_URL, Field, fields_of, tunnel_table, unasked, written_in
from trayalert.ui.setup.page import Choice, Page, focus

_URL_WRONG: Final = (
    "The public address must be one such as https://alerts.example.com: no spaces, no query, and no secret in it."
)
_LEADS: Final = {"cloudflared": "With a token, Cloudflare's dashboard says where it leads: it", "frpc": "frpc's file"}
"""What trayalert cannot say to the program itself."""
_NO_START: Final = "; no tunnel is started."


class DetailsPage(Page):
    """The fields of the chosen way, and what is to be known about it."""

    name = "details"
    title = "What it needs"
    next_words = "Save and go o&n"

    def __init__(self, desk: Desk, choice: Choice) -> None:
        super().__init__(desk, choice)
        set_way = desk.way()
        self._set_tunnel = set_way.tunnel if set_way else {}
        self._written = written_in(self._set_tunnel)
        self._written[PUBLIC_URL.key] = (set_way.public_url if set_way else None) or ""
        self._inputs: dict[str, PlainField] = {}
        self._shown: tuple[Field, ...] | None = None
        self._kind = QComboBox()
        self._kind.setAccessibleName("Program for the tunnel")
        for kind, preset in PRESETS.items():
            self._kind.addItem(preset.title, kind)
        self._kind.currentIndexChanged.connect(self._choose_kind)
        self.column.addWidget(self._kind, 0, Qt.AlignmentFlag.AlignLeft)
        self._about = self.say("")
        self._form = QWidget()
        self._rows = QGridLayout(self._form)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setColumnStretch(1, 1)
        self.column.addWidget(self._form)
        self._problem = self.say("")
        self._problem.setAccessibleName("What is wrong")
        self.column.addStretch()

    def enter(self) -> None:
        """Ask for what the chosen way needs."""
        tunnel = self.choice.way is Way.TUNNEL
        self._kind.setVisible(tunnel)
        self._kind.setCurrentIndex(max(0, self._kind.findData(self.choice.kind)))
        self.choice.kind = self._kind.currentData()  # a kind of another version is not known here
        self._show_fields()
        first = next(iter(self._inputs.values()), None)
        focus(self._kind if tunnel or first is None else first)

    def leave(self) -> bool:
        """Go that way from now on."""
        self._keep_written()
        problem, chosen = self._chosen()
        if chosen is not None:
            problem = self.desk.choose_way(chosen)
        self._problem.show_text(f"⚠ {problem}" if problem else "")
        return problem is None

    def _choose_kind(self) -> None:
        self.choice.kind = self._kind.currentData()
        self._show_fields()

    def _show_fields(self) -> None:
        self._problem.show_text("")
        self._about.show_text(self._about_words())
        wanted = fields_of(self.choice.kind) if self.choice.way is Way.TUNNEL else (PUBLIC_URL,)
        if wanted == self._shown:
            return
        self._keep_written()
        self._shown = wanted
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._inputs = {}
        self._form.hide()  # what is put into a form that is shown cannot take the focus yet
        for row, field in enumerate(wanted):
            self._add_row(row, field)
        self._put_in_order()
        self._form.setVisible(bool(wanted))

    def _put_in_order(self) -> None:
        """Let Tab go from the kind through its fields: what is made later would come behind the buttons."""
        places = (self._rows.itemAtPosition(row, column) for row in range(len(self._inputs)) for column in (1, 2))
        last: QWidget = self._kind
        for place in places:
            widget = place.widget() if place is not None else None
            if widget is not None and widget is not last:
                QWidget.setTabOrder(last, widget)
                last = widget

    def _add_row(self, row: int, field: Field) -> None:
        name = field.words.replace("&", "")
        line = PlainField(name, self._written.get(field.key, ""), hint=field.hint)
        label = PlainLabel(field.words)
        label.setBuddy(line)
        self._inputs[field.key] = line
        self._rows.addWidget(label, row, 0)
        self._rows.addWidget(line, row, 1, 1, 1 if field.file else 2)
        if field.file:
            pick = QPushButton("Choose…")
            pick.setAccessibleName(f"Choose the {name[:1].lower()}{name[1:]}")
            pick.clicked.connect(lambda _checked=False: self._pick(line, name))
            self._rows.addWidget(pick, row, 2)

    def _pick(self, line: PlainField, name: str) -> None:
        dialog = QFileDialog(self, f"{name} - trayalert")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(line.show_text)
        dialog.open()

    def _keep_written(self) -> None:
        self._written.update((key, line.text().strip()) for key, line in self._inputs.items())

    def _about_words(self) -> str:
        match self.choice.way:
            case Way.TUNNEL:
                preset = PRESETS[self.choice.kind]
                lines = [f"{sentence(preset.note)}.", preset.get_it]
                if words := _LEADS.get(self.choice.kind):
                    lines.append(f"{words} must lead to {self.desk.door_place()}.")
                if preset.url_pattern is not None:
                    lines.append("Its public address is found by itself.")
                return "\n".join(lines)
            case Way.HOST:
                return (
                    f"Pass requests to {self.desk.door_place()} on this computer, at the path /hook/ and below; all"
                    f" else is answered with an empty 404. {self._other_computer()}"
                    "\nBetter with https: the secret of the callback URL goes over that line."
                )
            case _:
                port = self.desk.door_place().rpartition(":")[2]
                return (
                    f"In the router, forward a TCP port to port {port} of this computer, and give this computer an"
                    f" address that stays. {self._other_computer()}\nThe public address is the router's, with that"
                    " port: http://203.0.113.7:8765, say. Its provider must give it a public address of its own."
                )

    def _other_computer(self) -> str:
        """Say that the door is open to this computer only, where it is."""
        host = self.desk.door_place().rpartition(":")[0]
        if not (host.startswith("127.") or host in {"localhost", "[::1]"}):
            return ""
        when = "" if self.choice.way is Way.FORWARD else "Where they come from another computer: "
        return sentence(f'{when}only this one is let in now; write host = "0.0.0.0" into settings.toml and restart.')

    def _chosen(self) -> tuple[str | None, ChosenWay | None]:
        written: Mapping[str, str] = {key: self._written.get(key, "") for key in self._inputs}
        address = written.get(PUBLIC_URL.key, "")
        public_url = read_public_url(address) if address else None
        tunnel: dict[str, object] = {}
        if self.choice.way is Way.TUNNEL:
            try:
                tunnel = unasked(self.choice.kind, self._set_tunnel) | tunnel_table(self.choice.kind, written)
            except ValueError:
                return "The command has a quote without an end.", None
            problems = read_tunnel(tunnel)[1]
            if problems:
                return _plain(problems[0], fields_of(self.choice.kind)), None
        pattern_tells = bool(tunnel.get("url_pattern"))
        if PUBLIC_URL.key in self._inputs and public_url is None and (address or not pattern_tells):
            return _URL_WRONG, None
        return None, ChosenWay(way=self.choice.way, public_url=public_url, tunnel=tunnel)


def _plain(problem: str, fields: tuple[Field, ...]) -> str:
    """Say a problem of the settings as one of the fields."""
    told = problem.removesuffix(_NO_START).removeprefix("tunnel.").removeprefix("tunnel: ")
    for field in fields:
        words = field.words.replace("&", "")
        told = re.sub(rf"^{field.key}: ", f"{words}: ", told).replace(f" ({field.key})", "")
    return f"{sentence(told.partition(', such as [')[0]).rstrip('.')}."
