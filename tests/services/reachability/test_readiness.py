import pytest

from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import Phase, Tunnel, TunnelState
from trayalert.services.reachability.readiness import chosen_ingress, readiness

OPEN = ListenerState(host="127.0.0.1", port=8765, open=True)
SHUT = ListenerState(host="127.0.0.1", port=8765, open=False, problem="Port 8765 is taken.")
TUNNEL = Tunnel(kind="ssh")
URL = "https://alerts.example.com"


def verdicts(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks}


def test_all_is_well_only_where_a_probe_came_back() -> None:
    reach = ReachabilityState(reach=Reachability.REACHABLE, public_url=URL, probe_ms=12)
    checks = readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.UP), reach)
    assert verdicts(checks) == dict.fromkeys(("Door", "Tunnel", "Public address", "Probe"), Verdict.OK)
    unknown = ReachabilityState(public_url=URL, why="The first probe is under way.")
    assert verdicts(readiness(OPEN, None, TunnelState(), unknown))["Probe"] is Verdict.WAIT


@pytest.mark.parametrize(
    ("checks", "name", "verdict", "words"),
    [
        (readiness(SHUT, None, TunnelState(), ReachabilityState()), "Door", Verdict.FAIL, "Port 8765 is taken."),
        (
            readiness(OPEN, None, TunnelState(), ReachabilityState()),
            "Public address",
            Verdict.FAIL,
            "Set public_url, or",
        ),
        (
            readiness(
                OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.MISSING, why="Install ssh."), ReachabilityState()
            ),
            "Tunnel",
            Verdict.FAIL,
            "Install ssh.",
        ),
        (
            readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.STARTING), ReachabilityState()),
            "Public address",
            Verdict.WAIT,
            "has not told it yet",
        ),
        (
            readiness(
                OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.UP, warning="It changes."), ReachabilityState()
            ),
            "Tunnel",
            Verdict.WARN,
            "It changes.",
        ),
        (
            readiness(
                OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.MISSING, why="Install ssh."), ReachabilityState()
            ),
            "Public address",
            Verdict.FAIL,
            "once the tunnel is up",
        ),
        *(
            (
                readiness(
                    OPEN,
                    None,
                    TunnelState(),
                    ReachabilityState(reach=Reachability.REACHABLE, public_url=f"http://{own}:8765"),
                ),
                "Public address",
                Verdict.WARN,
                "From the Internet nobody reaches",
            )
            for own in ("192.168.1.5", "127.0.0.1", "localhost", "[fe80::1]", "100.64.0.9")
        ),
        (
            readiness(
                OPEN,
                None,
                TunnelState(),
                ReachabilityState(reach=Reachability.BLIND, public_url=URL, why="It says 502."),
            ),
            "Probe",
            Verdict.FAIL,
            "It says 502.",
        ),
    ],
)
def test_each_thing_that_lacks_says_what_to_do(
    checks: tuple[Check, ...], name: str, verdict: Verdict, words: str
) -> None:
    (check,) = (check for check in checks if check.name == name)
    assert check.verdict is verdict
    assert words in f"{check.said} {check.do}"


@pytest.mark.parametrize(
    ("settings", "ingress"),
    [
        (Settings(), None),
        (Settings(public_url=URL), Ingress.HOST),
        (Settings(public_url=URL, host="0.0.0.0"), Ingress.FORWARD),
        (Settings(public_url=URL, tunnel=TUNNEL), Ingress.TUNNEL),
    ],
)
def test_the_guide_goes_on_with_the_way_that_the_settings_go(settings: Settings, ingress: Ingress | None) -> None:
    chosen = chosen_ingress(settings)
    assert (chosen and chosen.ingress) == ingress
    if isinstance(chosen, ChosenIngress):
        assert chosen.public_url == URL
