"""The doctor's lines on what receives: listener, limits, port, and the probe through the public address."""

import asyncio
from collections.abc import Mapping
from typing import Any

from trayalert.app.control.control_protocol import ControlFault, ask
from trayalert.app.diagnostics.doctor.check_context import Found, Scene, fail, fail_by_fault, ok, warn
from trayalert.app.diagnostics.doctor.port_holder import holder
from trayalert.domain.reachability import Reach
from trayalert.domain.text import printable
from trayalert.listener.listener_fault import DoorFault
from trayalert.listener.server import prove_limits, try_port
from trayalert.services.presentation.status import address

_PROBE_PATIENCE = 6.5
"""Seconds; the probe itself has its own deadline."""


def listener(scene: Scene) -> Found:
    """Say whether an instance runs, and whether its door is open."""
    found = _door(scene)
    if not scene.problems:
        return found
    count = len(scene.problems)
    problems = "a problem" if count == 1 else f"{count} problems"
    said = f"{found.said} The settings have {problems}: {scene.problems[0]}"
    do = f"{found.do or ''} Correct {scene.places.settings}, then start trayalert again.".strip()
    return fail(said, do) if found.verdict == "fail" else warn(said, do)


def _door(scene: Scene) -> Found:
    running = scene.running
    if scene.silent:
        return fail(scene.silent, "If it stays so, end that trayalert and start it again.")
    if running is None:
        return warn("trayalert does not run here, so nothing is received.", "Start it: trayalert, or trayalert serve.")
    door = running.door
    who = f"{running.front}, process {running.pid}"
    if not door.open:
        return fail(f"the door is shut ({who}): {door.problem or 'it is being opened.'}", "Do what that says.")
    where = f"the door is open on {address(door.host, door.port, tls=door.tls)} ({who})."
    return warn(f"{where} {door.note}", "See the line on tls.") if door.note else ok(where)


def limits(_: Scene) -> Found:
    """Say whether the limits of the door hold."""
    try:
        asyncio.run(prove_limits())
    except DoorFault as fault:
        return fail_by_fault(fault)
    return ok("sizes, deadlines and framing of requests are held to.")


def port(scene: Scene) -> Found:
    """Say whether the port can be had."""
    door = scene.running.door if scene.running else None
    if door and door.open:
        return ok(f"{door.port} on {door.host} is held by the running trayalert.")
    host, number = (door.host, door.port) if door else (scene.settings.host, scene.settings.port)
    if number == 0:
        return ok("a free one is taken at each start; a public address needs a port that stays.")
    try:
        try_port(host, number)
    except DoorFault as fault:
        found = fail_by_fault(fault)
        who = holder(number)
        return found._replace(said=f"{found.said} It is held by {who}.") if who else found
    return ok(f"{number} on {host} is free.")


def public_probe(scene: Scene) -> Found:
    """Say whether a request through the public address comes back to us."""
    if scene.running is None:
        return warn(
            "only the running trayalert can answer its probe.",
            "Start it: trayalert, or trayalert serve; then ask again.",
        )
    if scene.public_url is None:
        return warn(
            "no public address is known, so Cloud Monitor cannot be told where to send.",
            "`trayalert guide` leads through it: a tunnel, a proxy, or a port of your own.",
        )
    try:
        answer = ask(scene.places.socket, {"do": "probe"}, deadline=_PROBE_PATIENCE) or {}
    except ControlFault as fault:
        return warn(str(fault), "Ask again in a minute.")
    if not isinstance(reach := answer.get("reach"), dict):
        return warn(f"no probe was made: {printable(str(answer.get('error') or 'it does not run any more'))}.")
    return _probed(scene, reach)


def _probed(scene: Scene, reach: Mapping[str, Any]) -> Found:
    url, why = printable(str(reach.get("public_url") or scene.public_url)), printable(reach.get("why"), limit=600)
    if reach.get("reach") == Reach.REACHABLE:
        took = f" in {reach['probe_ms']} ms" if reach.get("probe_ms") is not None else ""
        return ok(f"a request to {url} came back{took}.")
    if reach.get("reach") == Reach.BLIND:
        return fail(f"what is sent to {url} does not arrive: {why or 'nobody knows why.'}", "See tunnel, dns and tls.")
    return warn(f"nothing proves that {url} leads here. {why}".strip(), "Set probe_seconds above 0, or ask again.")
