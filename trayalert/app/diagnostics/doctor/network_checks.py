"""The doctor's checks of the network: tunnel, name servers and clock."""

import ctypes
import ipaddress
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, ok, warn
from trayalert.clock import now
from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import NAMES, Phrase, PhraseList
from trayalert.domain.settings.tunnel_presets import PRESETS, program_of
from trayalert.domain.steady_clock import behind_text
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, duration_text
from trayalert.domain.tunnel import Phase, Tunnel
from trayalert.services.presentation.terminal_tables import PHASE_WORDS
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

_ODD: Millis = 60_000
_WRONG: Millis = 5 * 60_000
_VERSION_TIMEOUT = 4.0
"""Maximum time for the tunnel's program to print its version, in seconds."""
_SET_IT = Phrase("Let the network set the clock (timedatectl set-ntp true).")


def tunnel(context: CheckContext) -> CheckResult:
    """Check whether the tunnel's program is installed, and whether the tunnel is up."""
    configured = context.settings.tunnel
    if configured is None:
        return ok(Phrase("none is set."))
    program = program_of(configured)
    path = shutil.which(str(Path(program).expanduser()))
    if path is None:
        return fail(
            Phrase(
                "the program {program} of the tunnel {kind} is not here.",
                program=printable(program),
                kind=configured.kind,
            ),
            PRESETS[configured.kind].install_hint,
        )
    installed = _program_text(configured, path)
    state = context.status_object("tunnel")
    if not state:
        with_trayalert = Phrase("It is started with trayalert.") if context.running is None else ""
        return ok(PhraseList([installed, with_trayalert]))
    phase, reason = str(state.get("phase")), printable(state.get("why"), limit=400)
    if phase != Phase.UP:
        return fail(PhraseList([installed, _down_text(phase), reason]), Phrase("Do what that says."))
    if url := printable(str(state.get("url") or "")):
        up = Phrase("It is up at {url}.", url=url)
    else:
        up = Phrase("It is up at an address that nobody knows.")
    warning = printable(state.get("warning"), limit=400)
    message = PhraseList([installed, up])
    return warn(message, warning) if warning else ok(message)


def _down_text(phase: str) -> Phrase:
    word = Phrase(PHASE_WORDS[Phase(phase)]) if phase in PHASE_WORDS else printable(phase, limit=20)
    return Phrase("It is not up ({phase}).", phase=word)


def _program_text(tunnel: Tunnel, path: str) -> Phrase:
    """Return a sentence with the kind of the tunnel and its program's path and version.

    The version is the first line that the program's version option prints. If no version can be read, the sentence says
    why. If the settings contain a custom command for the tunnel, the sentence leaves the version out.
    """
    program = {"kind": tunnel.kind, "path": printable(path)}
    if tunnel.command:  # an unknown program may do anything when it is run with a version option
        return Phrase("{kind}: {path}.", **program)
    try:
        done = subprocess.run(  # noqa: S603 - the program that the settings name, without a shell
            [path, *PRESETS[tunnel.kind].version_arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Phrase("{kind}: {path}, which does not tell its version in time.", **program)
    except OSError as error:
        return Phrase("{kind}: {path}, which cannot be started ({reason}).", **program, reason=os_reason(error))
    line = next(iter(done.stdout[:2000].decode("utf-8", "replace").strip().splitlines()), "")
    if version := printable(line, limit=100):
        return Phrase("{kind}: {path}, {version}.", **program, version=version)
    return Phrase("{kind}: {path}, which does not tell its version.", **program)


def dns(context: CheckContext) -> CheckResult:
    """Check whether the host name in the public address resolves to public IP addresses only."""
    host = urlsplit(context.public_url or "").hostname
    if host is None:
        return _check_resolver(context)
    try:
        addresses = context.lookups.resolve(host)
    except OSError as error:
        return fail(
            Phrase("{host} is not found: {reason}.", host=host, reason=os_reason(error)),
            Phrase("Look at its record at your name server, or at public_url."),
        )
    near = [each for each in addresses if not ipaddress.ip_address(each.partition("%")[0]).is_global]
    message = Phrase("{host} is {addresses}.", host=host, addresses=PhraseList(addresses, separator=NAMES))
    if near:
        unreachable = PhraseList(near, separator=NAMES)
        return warn(
            PhraseList([message, Phrase("From the Internet nobody reaches {addresses}.", addresses=unreachable)]),
            Phrase("Let its record name a public address; if it does, only your own network answers otherwise."),
        )
    return ok(message)


def _check_resolver(context: CheckContext) -> CheckResult:
    """Check whether names can be looked up at all. Called if no public address is known."""
    url = context.lookups.console(context.settings.site)
    host = urlsplit(url).hostname or ""
    if context.lookups.proxied(url):
        return ok(Phrase("no public address is known; names are looked up by the proxy."))
    try:
        context.lookups.resolve(host)
    except OSError as error:
        return warn(
            Phrase("no name can be looked up ({host}: {reason}).", host=host, reason=os_reason(error)),
            Phrase("Is this computer online? Look at its name server."),
        )
    return ok(Phrase("no public address is known; names can be looked up ({host}).", host=host))


def clock(context: CheckContext) -> CheckResult:
    """Check whether this computer's clock agrees with the clock of Alibaba Cloud's console.

    The times in alerts come from Alibaba Cloud's clocks, so the clocks should agree. The check fails if the clocks
    differ by more than five minutes. The check also fails if this computer's clock is more than five minutes behind the
    newest callback.
    """
    behind = behind_text(wall=now(), newest=_newest_callback_at(context))
    if behind:
        return fail(behind, _SET_IT)
    synchronised = _is_synchronised()
    kernel = {
        True: Phrase("The system keeps it in step."),
        False: Phrase("The system does not keep it in step."),
        None: "",
    }[synchronised]
    url = context.lookups.console(context.settings.site)
    host = urlsplit(url).hostname
    try:
        ahead = context.lookups.ahead(url)
    except (OSError, ValueError):
        ahead = None
    if ahead is None:
        message = PhraseList([Phrase("it could not be compared with {host}.", host=host), kernel])
        return warn(message, _SET_IT) if synchronised is False else ok(message)
    if abs(ahead) <= _ODD:
        return ok(PhraseList([Phrase("it agrees with {host}.", host=host), kernel]))
    difference = duration_text(abs(ahead))
    if ahead > 0:
        wrong = Phrase(
            "it is {duration} behind that of {host}, so Cloud Monitor's times are shown wrongly.",
            duration=difference,
            host=host,
        )
    else:
        wrong = Phrase(
            "it is {duration} ahead of that of {host}, so Cloud Monitor's times are shown wrongly.",
            duration=difference,
            host=host,
        )
    message = PhraseList([wrong, kernel])
    return fail(message, _SET_IT) if abs(ahead) > _WRONG else warn(message, _SET_IT)


def _newest_callback_at(context: CheckContext) -> Millis | None:
    try:
        with closing(Reader(context.places.log)) as reader:
            return reader.last_callback_at()
    except LogFault:
        return None


class _Timex(ctypes.Structure):
    """The first fields of the kernel's `struct timex`, followed by room for the other fields."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def _is_synchronised() -> bool | None:
    """Return whether the kernel reports the clock as synchronised, or None if this is unknown."""
    if sys.platform != "linux":
        return None
    timex = _Timex()  # `modes` is 0, so the call below changes nothing
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not timex.status & 0x40  # STA_UNSYNC
