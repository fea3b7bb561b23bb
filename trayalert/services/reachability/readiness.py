"""Readiness checks, one for each part that must work before callbacks can arrive.

The setup assistant shows the results and keeps them up to date.
"""

import ipaddress
from dataclasses import fields
from urllib.parse import urlsplit

from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import Phase, Tunnel, TunnelState

_LISTENER = Phrase("Door")
_TUNNEL = Phrase("Tunnel")
_ADDRESS = Phrase("Public address")
_PROBE = Phrase("Probe")


def readiness(
    listener: ListenerState, configured: Tunnel | None, tunnel: TunnelState, reach: ReachabilityState
) -> tuple[Check, ...]:
    """Return the checks in this order: listener, tunnel, public address, probe.

    `configured` is the tunnel in the settings. If `configured` is None, the check of the tunnel is left out.
    """
    tunnel_checks = () if configured is None else (_tunnel_check(configured, tunnel),)
    return (_listener_check(listener), *tunnel_checks, _address_check(configured, tunnel, reach), _probe_check(reach))


def _listener_check(listener: ListenerState) -> Check:
    if listener.open:
        return Check(name=_LISTENER, verdict=Verdict.OK, said=Phrase("open on {url}", url=listener.url))
    verdict = Verdict.FAIL if listener.problem else Verdict.WAIT
    return Check(name=_LISTENER, verdict=verdict, said=listener.problem or Phrase("It is being opened."))


def _address_check(configured: Tunnel | None, tunnel: TunnelState, reach: ReachabilityState) -> Check:
    if reach.public_url:
        return _public_url_check(reach.public_url)
    if configured is not None and tunnel.phase is Phase.STARTING:
        return Check(name=_ADDRESS, verdict=Verdict.WAIT, said=Phrase("The tunnel has not told it yet."))
    do = Phrase("Set public_url, or a tunnel.") if configured is None else Phrase("It comes once the tunnel is up.")
    return Check(name=_ADDRESS, verdict=Verdict.FAIL, said=Phrase("None is known yet."), do=do)


def _public_url_check(url: str) -> Check:
    """Return the check of the public address `url`.

    If the address is local, the verdict is a warning, because Cloud Monitor cannot reach a local address.
    """
    host = urlsplit(url).hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = host != "localhost"
    if public:
        return Check(name=_ADDRESS, verdict=Verdict.OK, said=url)
    do = Phrase(
        "From the Internet nobody reaches {host}: take the router's or the server's own public address, or its name.",
        host=host,
    )
    return Check(name=_ADDRESS, verdict=Verdict.WARN, said=url, do=do)


def _tunnel_check(configured: Tunnel, tunnel: TunnelState) -> Check:
    match tunnel.phase:
        case Phase.UP:
            verdict = Verdict.WARN if tunnel.warning else Verdict.OK
            found = Phrase("{tunnel} is up", tunnel=configured.kind)
            return Check(name=_TUNNEL, verdict=verdict, said=found, do=tunnel.warning)
        case Phase.WAITING | Phase.MISSING:
            found = Phrase("{tunnel} is down", tunnel=configured.kind)
            return Check(name=_TUNNEL, verdict=Verdict.FAIL, said=found, do=tunnel.why)
        case _:
            found = Phrase("{tunnel} is being started", tunnel=configured.kind)
            return Check(name=_TUNNEL, verdict=Verdict.WAIT, said=found, do=tunnel.why)


def _probe_check(reach: ReachabilityState) -> Check:
    match reach.reach:
        case Reachability.REACHABLE:
            found = Phrase("It came back in {milliseconds} ms.", milliseconds=reach.probe_ms or 0)
            return Check(name=_PROBE, verdict=Verdict.OK, said=found)
        case Reachability.BLIND:
            return Check(name=_PROBE, verdict=Verdict.FAIL, said=Phrase("Nothing gets through."), do=reach.why)
        case _:
            return Check(name=_PROBE, verdict=Verdict.WAIT, said=Phrase("Nothing is proved yet."), do=reach.why)


def chosen_ingress(settings: Settings) -> ChosenIngress | None:
    """Return the ingress that the settings choose, or None if the settings choose no ingress.

    If the settings name a public address but no tunnel, the ingress depends on the address on which trayalert listens:

    - A loopback address means a public host. A reverse proxy on this host passes requests to the listener.
    - Any other address means a forwarded port.
    """
    if settings.tunnel is not None:
        table = _tunnel_table(settings.tunnel)
        return ChosenIngress(ingress=Ingress.TUNNEL, public_url=settings.public_url, tunnel=table)
    if settings.public_url is None:
        return None
    local = settings.host in {"127.0.0.1", "::1", "localhost"}
    return ChosenIngress(ingress=Ingress.HOST if local else Ingress.FORWARD, public_url=settings.public_url)


def _tunnel_table(tunnel: Tunnel) -> dict[str, object]:
    """Return the tunnel as the `[tunnel]` table of the settings, with only the keys that are set."""
    return {
        each.name: value for each in fields(tunnel) if (value := getattr(tunnel, each.name)) and value != each.default
    }
