"""The doctor's checks of the listener: its state, its limits, its port, and the probe through the public address."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trayalert.app.control.control_protocol import ControlFault, ProbeReachability, ask
from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, fail_by_fault, ok, warn
from trayalert.domain.phrase import Phrase, PhraseList
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
    problems = Phrase.counted(
        "The settings have a problem: {problem}",
        "The settings have {count} problems: {problem}",
        len(context.problems),
        problem=context.problems[0],
    )
    correct = Phrase("Correct {path}, then start trayalert again.", path=context.places.settings)
    message, advice = PhraseList([found.message, problems]), PhraseList([found.advice or "", correct])
    return fail(message, advice) if found.verdict == "fail" else warn(message, advice)


def _check_running(context: CheckContext) -> CheckResult:
    running = context.running
    if context.no_reply_reason:
        return fail(context.no_reply_reason, Phrase("If it stays so, end that trayalert and start it again."))
    if running is None:
        return warn(
            Phrase("trayalert does not run here, so nothing is received."),
            Phrase("Start it: trayalert, or trayalert serve."),
        )
    state = running.listener
    process = {"mode": running.mode, "pid": running.pid}
    if not state.open:
        if state.problem:
            shut = Phrase("the door is shut ({mode}, process {pid}): {problem}", **process, problem=state.problem)
        else:
            shut = Phrase("the door is shut ({mode}, process {pid}): it is being opened.", **process)
        return fail(shut, Phrase("Do what that says."))
    where = Phrase("the door is open on {url} ({mode}, process {pid}).", **process, url=state.url)
    return warn(PhraseList([where, state.note]), Phrase("See the line on tls.")) if state.note else ok(where)


def limits(_: CheckContext) -> CheckResult:
    """Check whether the listener's limits are in force."""
    try:
        asyncio.run(prove_limits())
    except ListenerFault as fault:
        return fail_by_fault(fault)
    return ok(Phrase("sizes, deadlines and framing of requests are held to."))


def port(context: CheckContext) -> CheckResult:
    """Check whether the listener's port is free, or is used by the running trayalert."""
    state = context.running.listener if context.running else None
    if state and state.open:
        return ok(Phrase("{port} on {host} is held by the running trayalert.", port=state.port, host=state.host))
    host, number = (state.host, state.port) if state else (context.settings.host, context.settings.port)
    if number == 0:
        return ok(Phrase("a free one is taken at each start; a public address needs a port that stays."))
    try:
        bind_port(host, number).close()
    except ListenerFault as fault:
        found = fail_by_fault(fault)
        return found._replace(message=PhraseList([found.message, _port_holder(number)]))
    return ok(Phrase("{port} on {host} is free.", port=number, host=host))


def _port_holder(port: int) -> str:
    """Return a sentence that says which process listens on the port, or that it belongs to another user.

    Return an empty string if no process listens on the port, or if the system is not Linux.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return ""
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process belongs to another user, or has just ended
            if any(str(each.readlink()) in sockets for each in (process / "fd").iterdir()):
                name = printable((process / "comm").read_text(), limit=40)
                return Phrase("It is held by {name} (process {pid}).", name=name, pid=process.name)
    return Phrase("It is held by a process of another user.")


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
            Phrase("only the running trayalert can answer its probe."),
            Phrase("Start it: trayalert, or trayalert serve; then ask again."),
        )
    if context.public_url is None:
        return warn(
            Phrase("no public address is known, so Cloud Monitor cannot be told where to send."),
            Phrase("`trayalert setup` leads through it: a tunnel, a proxy, or a port of your own."),
        )
    try:
        answer = ask(context.places.socket, ProbeReachability(), deadline=_PROBE_PATIENCE) or {}
    except ControlFault as fault:
        return warn(str(fault), Phrase("Ask again in a minute."))
    if not isinstance(reach := answer.get("reach"), dict):
        if error := printable(answer.get("error")):
            return warn(Phrase("no probe was made: {reason}.", reason=error))
        return warn(Phrase("no probe was made: it does not run any more."))
    return _probe_result(context, reach)


def _probe_result(context: CheckContext, reach: Mapping[str, Any]) -> CheckResult:
    url, reason = printable(str(reach.get("public_url") or context.public_url)), printable(reach.get("why"), limit=600)
    if reach.get("reach") == Reachability.REACHABLE:
        if reach.get("probe_ms") is not None:
            return ok(Phrase("a request to {url} came back in {time} ms.", url=url, time=reach["probe_ms"]))
        return ok(Phrase("a request to {url} came back.", url=url))
    if reach.get("reach") == Reachability.BLIND:
        if reason:
            lost = Phrase("what is sent to {url} does not arrive: {reason}", url=url, reason=reason)
        else:
            lost = Phrase("what is sent to {url} does not arrive: nobody knows why.", url=url)
        return fail(lost, Phrase("See tunnel, dns and tls."))
    return warn(
        PhraseList([Phrase("nothing proves that {url} leads here.", url=url), reason]),
        Phrase("Set probe_seconds above 0, or ask again."),
    )
