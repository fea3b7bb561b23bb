"""The doctor's checks of the listener: its state, its limits, its port, and the probe through the public address."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trayalert.app.control.control_protocol import ControlFault, ProbeReachability, ask
from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, fail_by_fault, ok, warn
from trayalert.domain.reachability import Reachability
from trayalert.domain.text import printable
from trayalert.listener.port import ListenerFault, bind_port
from trayalert.listener.server import prove_limits

_PROBE_PATIENCE = 6.5
"""Seconds to wait for the running instance to report the result of a probe. The probe's own time limit is shorter."""

_PROC = Path("/proc")
_LISTENING = "0A"


def listener(context: CheckContext) -> CheckResult:
    """Check whether trayalert is running with an open listener, and whether the settings contain mistakes."""
    found = _check_running(context)
    if not context.problems:
        return found
    count = len(context.problems)
    problems = "a problem" if count == 1 else f"{count} problems"
    message = f"{found.message} The settings have {problems}: {context.problems[0]}"
    advice = f"{found.advice or ''} Correct {context.places.settings}, then start trayalert again.".strip()
    return fail(message, advice) if found.verdict == "fail" else warn(message, advice)


def _check_running(context: CheckContext) -> CheckResult:
    running = context.running
    if context.no_reply_reason:
        return fail(context.no_reply_reason, "If it stays so, end that trayalert and start it again.")
    if running is None:
        return warn("trayalert does not run here, so nothing is received.", "Start it: trayalert, or trayalert serve.")
    state = running.listener
    process = f"{running.mode}, process {running.pid}"
    if not state.open:
        return fail(f"the door is shut ({process}): {state.problem or 'it is being opened.'}", "Do what that says.")
    where = f"the door is open on {state.url} ({process})."
    return warn(f"{where} {state.note}", "See the line on tls.") if state.note else ok(where)


def limits(_: CheckContext) -> CheckResult:
    """Check whether the listener's limits are in force."""
    try:
        asyncio.run(prove_limits())
    except ListenerFault as fault:
        return fail_by_fault(fault)
    return ok("sizes, deadlines and framing of requests are held to.")


def port(context: CheckContext) -> CheckResult:
    """Check whether the listener's port is free, or is used by the running trayalert."""
    state = context.running.listener if context.running else None
    if state and state.open:
        return ok(f"{state.port} on {state.host} is held by the running trayalert.")
    host, number = (state.host, state.port) if state else (context.settings.host, context.settings.port)
    if number == 0:
        return ok("a free one is taken at each start; a public address needs a port that stays.")
    try:
        bind_port(host, number).close()
    except ListenerFault as fault:
        found = fail_by_fault(fault)
        process = _port_holder(number)
        return found._replace(message=f"{found.message} It is held by {process}.") if process else found
    return ok(f"{number} on {host} is free.")


def _port_holder(port: int) -> str | None:
    """Return the process that listens on the port, such as `nginx (process 812)`, or "a process of another user".

    Return None if no process listens on the port, or if the system is not Linux.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return None
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process belongs to another user, or has just ended
            if any(str(each.readlink()) in sockets for each in (process / "fd").iterdir()):
                return f"{printable((process / 'comm').read_text(), limit=40)} (process {process.name})"
    return "a process of another user"


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    yield rest[5]


def public_probe(context: CheckContext) -> CheckResult:
    """Check whether a request through the public address arrives at the running trayalert."""
    if context.running is None:
        return warn(
            "only the running trayalert can answer its probe.",
            "Start it: trayalert, or trayalert serve; then ask again.",
        )
    if context.public_url is None:
        return warn(
            "no public address is known, so Cloud Monitor cannot be told where to send.",
            "`trayalert setup` leads through it: a tunnel, a proxy, or a port of your own.",
        )
    try:
        answer = ask(context.places.socket, ProbeReachability(), deadline=_PROBE_PATIENCE) or {}
    except ControlFault as fault:
        return warn(str(fault), "Ask again in a minute.")
    if not isinstance(reach := answer.get("reach"), dict):
        return warn(f"no probe was made: {printable(str(answer.get('error') or 'it does not run any more'))}.")
    return _probe_result(context, reach)


def _probe_result(context: CheckContext, reach: Mapping[str, Any]) -> CheckResult:
    url, reason = printable(str(reach.get("public_url") or context.public_url)), printable(reach.get("why"), limit=600)
    if reach.get("reach") == Reachability.REACHABLE:
        took = f" in {reach['probe_ms']} ms" if reach.get("probe_ms") is not None else ""
        return ok(f"a request to {url} came back{took}.")
    if reach.get("reach") == Reachability.BLIND:
        return fail(
            f"what is sent to {url} does not arrive: {reason or 'nobody knows why.'}", "See tunnel, dns and tls."
        )
    return warn(f"nothing proves that {url} leads here. {reason}".strip(), "Set probe_seconds above 0, or ask again.")
