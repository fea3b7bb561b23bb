from dataclasses import replace

import pytest

from trayalert.domain.events import UrlChanged
from trayalert.domain.reachability import Reachability
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.services.access.source_address import SenderOrigin
from trayalert.ui.backend import ProgramState
from trayalert.ui.icons import TrayIconState
from trayalert.ui.state_wording import (
    empty_table_text,
    gnome_tray_advice,
    headline,
    overlay_text,
    reachability_text,
    shown_reachability,
    tunnel_text,
)
from trayalert.ui.wording import sender_text

EN = Language.EN


@pytest.mark.parametrize(
    ("sender", "origin", "words"),
    [
        ("106.11.34.5", SenderOrigin.CLOUD_MONITOR, "Cloud Monitor (106.11.34.5)"),
        ("203.0.113.7", SenderOrigin.OTHER, "another address (203.0.113.7)"),
        ("127.0.0.1", SenderOrigin.UNKNOWN, "this computer or a tunnel"),
        ("::1", SenderOrigin.UNKNOWN, "this computer or a tunnel"),
        ("192.168.1.5", SenderOrigin.UNKNOWN, "a private network or a tunnel (192.168.1.5)"),
        ("\u202ex\ny", SenderOrigin.UNKNOWN, "a private network or a tunnel (x y)"),
    ],
)
def test_where_a_callback_came_from(sender: str, origin: SenderOrigin, words: str) -> None:
    assert sender_text(sender, origin) == words


def test_what_may_be_open_unknown_to_us_is_never_called_calm() -> None:
    assert (
        headline(ProgramState(uncertainty="the log cannot be read"), EN, now=0)
        == "Unknown what is open: the log cannot be read"
    )
    assert headline(ProgramState(open_incidents=2, uncertainty="x"), EN, now=0) == "2 open, worst INFO; x"
    assert headline(ProgramState(), EN, now=0) == "No incident is open"


PROVED = ProgramState(reachability=Reachability.REACHABLE, reachable_at=1000, proved_until=61_000)


def test_a_proof_that_is_too_old_is_none() -> None:
    assert shown_reachability(PROVED, now=61_000) is Reachability.REACHABLE
    assert shown_reachability(PROVED, now=61_001) is Reachability.UNKNOWN
    assert reachability_text(PROVED, EN, now=61_000).startswith("Callbacks get through (checked ")
    assert reachability_text(PROVED, EN, now=61_001).startswith("Reach unknown: it was last proved at ")
    assert reachability_text(ProgramState(reachability=Reachability.REACHABLE), EN, now=0) == "Reach unknown"


def test_a_proof_of_an_address_that_the_rules_do_not_have_is_none() -> None:
    changed = replace(PROVED, url_changed=UrlChanged("https://one.example.com", "https://two.example.com"))
    assert shown_reachability(changed, now=61_000) is Reachability.UNKNOWN
    assert reachability_text(changed, EN, now=61_000) == "Reach unknown: only the new public address is proved"
    assert not TrayIconState.of(changed, now=61_000).proved
    assert shown_reachability(replace(changed, reachability=Reachability.BLIND), now=61_000) is Reachability.BLIND


def test_what_was_refused_is_no_lack_of_a_proof_and_yet_no_calm() -> None:
    lost = replace(PROVED, refused_recently=True, last_callback_at=1000)
    assert shown_reachability(lost, now=61_000) is Reachability.UNKNOWN
    words = reachability_text(lost, EN, now=61_000)
    assert words.startswith("Probes get through (checked ")
    assert words.endswith("), but a callback was refused that may have been an alert")
    assert overlay_text(lost, EN, now=61_000) == "none open · a callback was refused"
    assert empty_table_text(lost, EN, now=61_000) == (
        "No incident is open.\nThat does not mean that all is well: within the last hour a callback was refused that"
        " may have been an alert."
    )

    assert reachability_text(lost, EN, now=61_001).startswith("Reach unknown: it was last proved at ")
    assert overlay_text(lost, EN, now=61_001) == "none open · reach unknown"
    assert shown_reachability(replace(lost, reachability=Reachability.BLIND), now=61_000) is Reachability.BLIND


def test_unknown_says_why() -> None:
    state = ProgramState(reachability_reason="Probes are switched off (probe_seconds = 0).")
    assert reachability_text(state, EN, now=0) == "Reach unknown: Probes are switched off (probe_seconds = 0)"


@pytest.mark.parametrize(
    ("desktop", "advised"),
    [("GNOME", True), ("ubuntu:GNOME", True), ("GNOME-Flashback", False), ("KDE", False), ("", False)],
)
def test_only_a_gnome_is_advised_what_to_install(desktop: str, advised: bool) -> None:
    assert bool(gnome_tray_advice({"XDG_CURRENT_DESKTOP": desktop})) is advised
    assert gnome_tray_advice({}) is None


@pytest.mark.parametrize(
    ("tunnel", "words"),
    [
        (TunnelState(), ""),
        (TunnelState(kind="ssh", phase=Phase.UP), "Tunnel ssh: up"),
        (TunnelState(kind="ssh", phase=Phase.UP, warning="it changes.", why="old"), "Tunnel ssh: up. It changes."),
        (TunnelState(kind="ssh", phase=Phase.MISSING, why="Get ssh."), "Tunnel ssh: its program is missing. Get ssh."),
        (TunnelState(kind="ssh", phase=Phase.STARTING), "Tunnel ssh: starting"),
    ],
)
def test_how_a_tunnel_is(tunnel: TunnelState, words: str) -> None:
    assert tunnel_text(tunnel, EN, now=0) == words
