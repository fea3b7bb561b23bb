import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QTabBar,
    QTabWidget,
)
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import MINUTE, NOON, FakeBackend, FakeProgram, FakeSetup
from tests.ui.setup.walk import ALT, ENTER, Walk
from trayalert.domain import events  # as a module, so that pytest does not collect TestReceived as a test
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.events import CallbackArrived, SampleSent
from trayalert.domain.reachability import Reachability
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.ui.setup.fields import field_texts, fields_of, table_problem, tunnel_table


def test_it_is_walked_to_its_end_by_enter_and_written_by_mnemonics(
    qtbot: QtBot, walk: Walk, backend: FakeBackend
) -> None:
    assert isinstance(walk.focus, QRadioButton)
    walk.press(ENTER)
    assert isinstance(walk.focus, QComboBox)
    walk.press(Qt.Key.Key_M, ALT)
    walk.write("alerts")
    walk.press(Qt.Key.Key_U, ALT)
    walk.write("https://alerts.example.com")
    walk.press(ENTER)
    tunnel = {"kind": "cloudflared", "name": "alerts"}
    assert backend.setup.chosen == ChosenIngress(
        ingress=Ingress.TUNNEL, public_url="https://alerts.example.com", tunnel=tunnel
    )
    assert walk.step() == 3
    walk.press(Qt.Key.Key_B, ALT)
    qtbot.waitUntil(lambda: walk.step() == 2)
    walk.go_to(6)
    walk.press(ENTER)
    assert not walk.assistant.isVisible()
    assert backend.program.memory["setup"]["finished"] is True


def test_escape_closes_it_and_it_goes_on_where_it_was(qtbot: QtBot, walk: Walk, backend: FakeBackend) -> None:
    walk.go_to(4)
    walk.press(Qt.Key.Key_Escape)
    assert not walk.assistant.isVisible()
    again = Walk(qtbot, backend)
    assert again.step() == 4
    again.go_to(6)
    again.press(ENTER)
    assert Walk(qtbot, backend).step() == 1


@pytest.mark.parametrize("junk", [None, 7, "ready", {"page": "no such", "finished": False}, {"page": 3, "way": "x"}])
def test_a_strange_memory_begins_at_the_beginning(qtbot: QtBot, junk: object) -> None:
    assert Walk(qtbot, FakeBackend(program=FakeProgram(memory={"setup": junk}))).step() == 1


def test_every_control_has_a_name_and_is_reached_by_tab(qtbot: QtBot, walk: Walk) -> None:
    kinds = (QPushButton, QRadioButton, QCheckBox, QComboBox, QLineEdit, QTabBar)
    for step in range(1, 7):
        walk.go_to(step)
        shown = {one for kind in kinds for one in walk.assistant.findChildren(kind) if one.isVisible()}
        for control in shown:
            named = control.accessibleName() or getattr(control, "text", lambda: "tabs name themselves")()
            assert named, f"{control} of step {step} has no name"
        reached = set()
        for _ in range(20):
            reached.add(walk.focus)
            walk.press(Qt.Key.Key_Tab)
        walkable = {one for one in shown if one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus}
        # a group of radio buttons has only one stop for the Tab key
        radios = {one for one in walkable if isinstance(one, QRadioButton)}
        assert walkable - radios <= reached, f"step {step}"
        walk.button(walk.assistant.page.next_text).setFocus()


def test_what_cannot_be_done_is_said_beside_the_fields_and_nothing_is_lost(walk: Walk, backend: FakeBackend) -> None:
    backend.setup.ingress_problem = "settings.toml cannot be written: the disk is full."
    walk.go_to(2)
    walk.press(ENTER)
    assert "Name the tunnel, or the file with its token" in walk.words()
    walk.field("Name of the tunnel").show_text("alerts")
    walk.field("Public address").show_text("alerts.example.com")
    walk.press(ENTER)
    assert "The public address must be one such as https://" in walk.words()
    walk.field("Public address").show_text("https://alerts.example.com")
    walk.press(ENTER)
    assert "settings.toml cannot be written: the disk is full." in walk.words()
    assert walk.field("Name of the tunnel").text() == "alerts"
    assert backend.setup.chosen is None
    backend.setup.ingress_problem = None
    walk.press(ENTER)
    assert walk.step() == 3


def test_what_is_wrong_is_said_of_the_field_and_not_of_the_settings_file(walk: Walk) -> None:
    walk.go_to(2)
    kinds = walk.assistant.findChildren(QComboBox)[0]
    kinds.setCurrentIndex(kinds.findData("command"))
    walk.press(ENTER)
    assert "⚠ Name the program and its arguments." in walk.words()
    walk.field("Command").show_text("bore local {port}")
    walk.field("Address in its output").show_text("(a+)+")
    walk.press(ENTER)
    assert "⚠ Address in its output: must repeat single characters only" in walk.words()


def test_where_a_tunnel_is_configured_elsewhere_where_to_lead_the_assistant_says_it(walk: Walk) -> None:
    walk.go_to(2)
    kinds = walk.assistant.findChildren(QComboBox)[0]
    for kind in PRESETS:
        kinds.setCurrentIndex(kinds.findData(kind))
        assert ("must lead to 127.0.0.1:8765." in walk.words()) is (kind in {"cloudflared", "frpc"})


def test_what_the_assistant_does_not_ask_for_stays_in_the_table(qtbot: QtBot) -> None:
    own: dict[str, object] = {"arguments": ("-F", "none"), "environment": {"A": "b"}, "remote_host": "127.0.0.1"}
    entered: dict[str, object] = {"kind": "ssh", "host": "me@a.example.com", "remote_port": 8080}
    chosen = ChosenIngress(ingress=Ingress.TUNNEL, public_url="https://a.example.com", tunnel=entered | own)
    backend = FakeBackend(setup=FakeSetup(chosen=chosen))
    walk = Walk(qtbot, backend)
    walk.press(ENTER)
    walk.press(ENTER)
    assert walk.step() == 3
    assert backend.setup.chosen is not None
    assert backend.setup.chosen.tunnel == entered | own | {"arguments": ["-F", "none"]}
    walk.press(Qt.Key.Key_B, ALT)
    qtbot.waitUntil(lambda: walk.step() == 2)
    kinds = walk.assistant.findChildren(QComboBox)[0]
    kinds.setCurrentIndex(kinds.findData("tailscale"))
    walk.press(ENTER)
    assert backend.setup.chosen.tunnel == {"kind": "tailscale"}


def test_tab_goes_from_another_kind_through_its_own_fields(walk: Walk) -> None:
    walk.go_to(2)
    (kind,) = walk.assistant.findChildren(QComboBox)
    kind.setFocus()
    walk.write("ssh")
    names = []
    for _ in range(6):
        walk.press(Qt.Key.Key_Tab)
        names.append(walk.focus.accessibleName())
    assert names == ["Server", "Port there", "Key file", "Choose the key file", "ssh's port", "Public address"]


def test_what_was_entered_for_one_kind_is_there_when_it_is_chosen_again(walk: Walk) -> None:
    walk.go_to(2)
    walk.field("Name of the tunnel").show_text("alerts")
    kinds = walk.assistant.findChildren(QComboBox)[0]
    kinds.setCurrentIndex(kinds.findData("ssh"))
    walk.field("Server").show_text("me@a.example.com")
    kinds.setCurrentIndex(kinds.findData("cloudflared"))
    assert walk.field("Name of the tunnel").text() == "alerts"


def test_a_kind_of_another_version_becomes_one_that_is_known(qtbot: QtBot) -> None:
    old = {"page": "details", "way": "tunnel", "kind": "carrier-pigeon", "finished": False}
    walk = Walk(qtbot, FakeBackend(program=FakeProgram(memory={"setup": old})))
    assert walk.step() == 2
    assert walk.field("Name of the tunnel").isVisible()


def test_a_forward_needs_a_listener_for_others(qtbot: QtBot, walk: Walk, backend: FakeBackend) -> None:
    walk.assistant.findChildren(QRadioButton)[2].click()
    walk.press(ENTER)
    assert "port 8765" in walk.words()
    assert 'write host = "0.0.0.0" into settings.toml' in walk.words()
    walk.write("http://203.0.113.7:9000")
    walk.press(ENTER)
    assert backend.setup.chosen == ChosenIngress(ingress=Ingress.FORWARD, public_url="http://203.0.113.7:9000")
    backend.setup.address = "0.0.0.0:8765"
    again = Walk(qtbot, FakeBackend(setup=FakeSetup(address="0.0.0.0:8765", chosen=backend.setup.chosen)))
    again.press(ENTER)
    assert "only this one is let in" not in again.words()
    assert again.field("Public address").text() == "http://203.0.113.7:9000"


def test_readiness_is_live_and_one_may_go_on_without_it(qtbot: QtBot, backend: FakeBackend) -> None:
    walk = Walk(qtbot, backend, tick_interval=20)
    backend.setup.checks = (Check(name="Probe", verdict=Verdict.FAIL, said="No answer.", do="Look at the router."),)
    walk.go_to(3)
    assert "No answer.\nLook at the router." in walk.words()
    assert walk.button("Go on a&nyway").isEnabled()
    assert "Not proved yet" in walk.words()
    backend.setup.checks = (Check(name="Probe", verdict=Verdict.OK, said="It came back."),)
    qtbot.waitUntil(lambda: "All of it is proved" in walk.words())
    assert walk.button("&Next").isEnabled()
    walk.button("&Check now").click()
    assert backend.setup.probes == 1


def test_the_url_is_copied_and_a_local_one_is_distinguished_from_a_public_one(walk: Walk, backend: FakeBackend) -> None:
    walk.go_to(4)
    assert "the console cannot reach it" in walk.words()
    backend.program.set_reachability(Reachability.UNKNOWN)
    walk.assistant.on_events([])
    assert "treat it like a password" in walk.words()
    walk.button("&Copy").click()
    assert QGuiApplication.clipboard().text() == backend.setup.callback_url()
    for place, words in enumerate(("报警回调", "推送渠道", "通知对象")):
        walk.assistant.findChildren(QTabWidget)[0].setCurrentIndex(place)
        assert words in walk.words()


def test_the_consoles_test_turns_it_green_also_while_another_page_is_read(walk: Walk, backend: FakeBackend) -> None:
    walk.go_to(4)
    walk.assistant.on_events([CallbackArrived(NOON), events.TestReceived(NOON), CallbackArrived(NOON)])
    walk.press(ENTER)
    assert "The console's Test came in at" in walk.words()
    assert walk.is_green()


def test_a_callback_counts_but_never_that_of_a_rehearsal(walk: Walk, backend: FakeBackend) -> None:
    walk.go_to(5)
    walk.button("&Rehearse without Alibaba").click()
    walk.button("&Rehearse without Alibaba").click()
    assert backend.setup.samples_sent == 1
    walk.assistant.on_events([CallbackArrived(NOON), SampleSent(None, public=True)])
    assert "no proof of the console's side" in walk.words()
    assert not walk.is_green()
    walk.button("&Rehearse without Alibaba").click()
    # the callback of the rehearsal arrives late
    walk.assistant.on_events([SampleSent("No answer in 5 s.", public=True), CallbackArrived(NOON + 2000)])
    assert "The rehearsal failed: No answer in 5 s." in walk.words()
    assert not walk.is_green()
    walk.assistant.on_events([CallbackArrived(NOON + MINUTE)])
    assert "A callback came in at" in walk.words()
    assert walk.is_green()


def test_a_rehearsal_without_a_public_address_claims_no_way_from_the_internet(walk: Walk) -> None:
    walk.go_to(5)
    walk.button("&Rehearse without Alibaba").click()
    walk.assistant.on_events([SampleSent(None, public=False)])

    assert "not proved" in walk.words()
    assert "through the public address" not in walk.words()
    assert "\u2713" not in walk.words()


def test_the_end_sets_the_autostart_and_says_where_that_fails(qtbot: QtBot, walk: Walk, backend: FakeBackend) -> None:
    backend.program.set_reachability(Reachability.BLIND, since=NOON, reason="The port is taken.")
    walk.go_to(6)
    assert "The port is taken." in walk.words()
    box = walk.assistant.findChildren(QCheckBox)[0]
    walk.press(Qt.Key.Key_Space)
    assert backend.setup.autostart is True
    backend.setup.autostart_problem = "The folder is read-only."
    box.click()
    assert box.isChecked()
    assert "The folder is read-only." in walk.words()
    none = Walk(qtbot, FakeBackend(setup=FakeSetup(autostart=None)))
    none.go_to(6)
    assert not none.assistant.findChildren(QCheckBox)[0].isVisible()


def test_it_fits_a_small_screen(walk: Walk) -> None:
    for step in range(1, 7):
        walk.go_to(step)
        assert walk.assistant.minimumSizeHint().height() < 560
        assert walk.assistant.minimumSizeHint().width() < 1000


GIVEN = {
    "name": "alerts", "token_file": "/t", "config": "/c", "host": "me@a.example.com", "remote_port": "8765",
    "identity": "/i", "ssh_port": "22", "command": "bore local {port}", "url_pattern": "https://[a-z]+",
    "token_variable": "TOKEN", "domain": "a.ngrok.app",
}  # fmt: skip


@pytest.mark.parametrize("kind", PRESETS)
def test_each_kind_is_asked_for_all_that_it_needs(kind: str) -> None:
    entered = {field.key: GIVEN.get(field.key, "") for field in fields_of(kind)}
    table = tunnel_table(kind, entered)
    tunnel, problems = read_tunnel(table)
    assert problems == ()
    assert tunnel is not None
    back = {key: text for key, text in entered.items() if text and key != "public_url"}
    assert {key: text for key, text in field_texts(table).items() if key != "kind"} == back


@pytest.mark.parametrize("kind", PRESETS)
def test_the_assistant_asks_for_exactly_the_values_that_the_settings_need(kind: str) -> None:
    keys = [field.key for field in fields_of(kind) if field.key in GIVEN]
    for count in range(len(keys) + 1):
        for given in itertools.combinations(keys, count):
            table = tunnel_table(kind, {key: GIVEN[key] for key in given})
            problem = table_problem(kind, table)
            assert (problem is None) is (read_tunnel(table)[0] is not None), given
            assert problem is None or "no tunnel is started" not in problem


def test_a_value_without_a_field_is_named_as_in_the_settings() -> None:
    table = {"kind": "tailscale", "program": 7}

    assert table_problem("tailscale", table) == read_tunnel(table)[1][0]
