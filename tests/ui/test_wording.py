from dataclasses import replace

import pytest

from trayalert.domain.events import UrlChanged
from trayalert.domain.reachability import Reach
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.services.access.source_address import Origin
from trayalert.ui.backend import DeskState
from trayalert.ui.icons import TrayLook
from trayalert.ui.state_wording import (
    calm_words,
    gnome_words,
    headline,
    reach_words,
    shown_reach,
    strip_words,
    tunnel_words,
)
from trayalert.ui.wording import sender_words

EN = Language.EN


@pytest.mark.parametrize(
    ("sender", "origin", "words"),
    [
        ("106.11.34.5", Origin.CLOUD_MONITOR, "from Cloud Monitor (106.11.34.5)"),
        ("203.0.113.7", Origin.OTHER, "from another address (203.0.113.7)"),
        ("127.0.0.1", Origin.UNKNOWN, "from this computer or a tunnel"),
        ("::1", Origin.UNKNOWN, "from this computer or a tunnel"),
        ("192.168.1.5", Origin.UNKNOWN, "from a private network or a tunnel (192.168.1.5)"),
        ("\u202ex\ny", Origin.UNKNOWN, "from a private network or a tunnel (x y)"),
    ],
)
def test_where_a_callback_came_from(sender: str, origin: Origin, words: str) -> None:
    assert sender_words(sender, origin) == words


def test_what_may_be_open_unknown_to_us_is_never_called_calm() -> None:
    assert (
        headline(DeskState(unsure="the log cannot be read"), EN, now=0)
        == "Unknown what is open: the log cannot be read"
    )
    assert headline(DeskState(open_incidents=2, unsure="x"), EN, now=0) == "2 open, worst INFO; x"
    assert headline(DeskState(), EN, now=0) == "No incident is open"


PROVED = DeskState(reach=Reach.REACHABLE, reachable_at=1000, proved_until=61_000)


def test_a_proof_that_is_too_old_is_none() -> None:
    assert shown_reach(PROVED, now=61_000) is Reach.REACHABLE
    assert shown_reach(PROVED, now=61_001) is Reach.UNKNOWN
    assert reach_words(PROVED, now=61_000).startswith("Callbacks get through (checked ")
    assert reach_words(PROVED, now=61_001).startswith("Reach unknown: it was last proved at ")
    assert reach_words(DeskState(reach=Reach.REACHABLE), now=0) == "Reach unknown"


def test_a_proof_of_an_address_that_the_rules_do_not_have_is_none() -> None:
    changed = replace(PROVED, url_changed=UrlChanged("https://one.example.com", "https://two.example.com"))
    assert shown_reach(changed, now=61_000) is Reach.UNKNOWN
    assert reach_words(changed, now=61_000) == "Reach unknown: only the new public address is proved"
    assert not TrayLook.of(changed, now=61_000).proved
    assert shown_reach(replace(changed, reach=Reach.BLIND), now=61_000) is Reach.BLIND


def test_what_was_refused_is_no_lack_of_a_proof_and_yet_no_calm() -> None:
    lost = replace(PROVED, lost_lately=True, last_callback_at=1000)
    assert shown_reach(lost, now=61_000) is Reach.UNKNOWN
    words = reach_words(lost, now=61_000)
    assert words.startswith("Probes get through (checked ")
    assert words.endswith("), but a callback was refused that may have been an alert")
    assert strip_words(lost, EN, now=61_000) == "none open · a callback was refused"
    assert calm_words(lost, EN, now=61_000) == (
        "No incident is open.\nThat does not mean that all is well: within the last hour a callback was refused that"
        " may have been an alert."
    )

    assert reach_words(lost, now=61_001).startswith("Reach unknown: it was last proved at ")
    assert strip_words(lost, EN, now=61_001) == "none open · reach unknown"
    assert shown_reach(replace(lost, reach=Reach.BLIND), now=61_000) is Reach.BLIND


def test_unknown_says_why() -> None:
    state = DeskState(reach_why="Probes are switched off (probe_seconds = 0).")
    assert reach_words(state, now=0) == "Reach unknown: Probes are switched off (probe_seconds = 0)"


@pytest.mark.parametrize(
    ("desktop", "told"),
    [("GNOME", True), ("ubuntu:GNOME", True), ("GNOME-Flashback", False), ("KDE", False), ("", False)],
)
def test_only_a_gnome_is_told_what_to_install(desktop: str, told: bool) -> None:
    assert bool(gnome_words({"XDG_CURRENT_DESKTOP": desktop})) is told
    assert gnome_words({}) is None


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
    assert tunnel_words(tunnel, now=0) == words
