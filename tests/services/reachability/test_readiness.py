import pytest

from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.settings.ingress import ChosenWay, Way
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import Phase, Tunnel, TunnelState
from trayalert.services.presentation.status import Door
from trayalert.services.reachability.readiness import readiness, way_of

OPEN = Door(host="127.0.0.1", port=8765, open=True)
SHUT = Door(host="127.0.0.1", port=8765, open=False, problem="Port 8765 is taken.")
TUNNEL = Tunnel(kind="ssh")
URL = "https://alerts.example.com"


def said(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks}


def test_all_is_well_only_where_a_probe_came_back() -> None:
    reach = ReachState(reach=Reach.REACHABLE, public_url=URL, probe_ms=12)
    checks = readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.UP), reach)
    assert said(checks) == dict.fromkeys(("Door", "Tunnel", "Public address", "Probe"), Verdict.OK)
    unknown = ReachState(public_url=URL, why="The first probe is under way.")
    assert said(readiness(OPEN, None, TunnelState(), unknown))["Probe"] is Verdict.WAIT


@pytest.mark.parametrize(
    ("checks", "name", "verdict", "words"),
    [
        (readiness(SHUT, None, TunnelState(), ReachState()), "Door", Verdict.FAIL, "Port 8765 is taken."),
        (readiness(OPEN, None, TunnelState(), ReachState()), "Public address", Verdict.FAIL, "Set public_url, or"),
        (
            readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.MISSING, why="Install ssh."), ReachState()),
            "Tunnel", Verdict.FAIL, "Install ssh.",
        ),
        (
            readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.STARTING), ReachState()),
            "Public address", Verdict.WAIT, "has not told it yet",
        ),
        (
            readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.UP, warning="It changes."), ReachState()),
            "Tunnel", Verdict.WARN, "It changes.",
        ),
        (
            readiness(OPEN, TUNNEL, TunnelState(kind="ssh", phase=Phase.MISSING, why="Install ssh."), ReachState()),
            "Public address", Verdict.FAIL, "once the tunnel is up",
        ),
        *(
            (
                readiness(OPEN, None, TunnelState(), ReachState(reach=Reach.REACHABLE, public_url=f"http://{own}:8765")),
                "Public address", Verdict.WARN, "From the Internet nobody reaches",
            )
            for own in ("192.168.1.5", "127.0.0.1", "localhost", "[fe80::1]", "100.64.0.9")
        ),
        (
            readiness(OPEN, None, TunnelState(), ReachState(reach=Reach.BLIND, public_url=URL, why="It says 502.")),
            "Probe", Verdict.FAIL, "It says 502.",
        ),
    ],
)  # fmt: skip
def test_each_thing_that_lacks_says_what_to_do(
    checks: tuple[Check, ...], name: str, verdict: Verdict, words: str
) -> None:
    (check,) = (check for check in checks if check.name == name)
    assert check.verdict is verdict
    assert words in f"{check.said} {check.do}"


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        (Settings(), None),
        (Settings(public_url=URL), Way.HOST),
        (Settings(public_url=URL, host="0.0.0.0"), Way.FORWARD),
        (Settings(public_url=URL, tunnel=TUNNEL), Way.TUNNEL),
    ],
)
def test_the_guide_goes_on_with_the_way_that_the_settings_go(settings: Settings, way: Way | None) -> None:
    chosen = way_of(settings)
    assert (chosen and chosen.way) == way
    if isinstance(chosen, ChosenWay):
        assert chosen.public_url == URL
