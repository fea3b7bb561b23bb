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
from trayalert.domain.settings.tunnel_presets import PRESETS, program_of
from trayalert.domain.steady_clock import behind_text
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, duration_text
from trayalert.domain.tunnel import Phase, Tunnel
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

_ODD: Millis = 60_000
_WRONG: Millis = 5 * 60_000
_VERSION_TIMEOUT = 4.0
"""Maximum time for the tunnel's program to print its version, in seconds."""
_SET_IT = "Let the network set the clock (timedatectl set-ntp true)."


def tunnel(context: CheckContext) -> CheckResult:
    """Check whether the tunnel's program is installed, and whether the tunnel is up."""
    configured = context.settings.tunnel
    if configured is None:
        return ok("none is set.")
    program = program_of(configured)
    path = shutil.which(str(Path(program).expanduser()))
    if path is None:
        return fail(
            f"the program {printable(program)} of the tunnel {configured.kind} is not here.",
            PRESETS[configured.kind].install_hint,
        )
    version = _tunnel_version(configured, path)
    message = f"{configured.kind}: {printable(path)}{f', {version}' if version else ''}."
    state = context.status_object("tunnel")
    if not state:
        return ok(f"{message} It is started with trayalert.") if context.running is None else ok(message)
    phase, reason = str(state.get("phase")), printable(state.get("why"), limit=400)
    if phase != Phase.UP:
        return fail(f"{message} It is not up ({printable(phase, limit=20)}). {reason}".strip(), "Do what that says.")
    message = f"{message} It is up at {printable(str(state.get('url') or 'an address that nobody knows'))}."
    warning = printable(state.get("warning"), limit=400)
    return warn(message, warning) if warning else ok(message)


def _tunnel_version(tunnel: Tunnel, path: str) -> str | None:
    """Return the version of the tunnel's program: the first line that its version option prints.

    If no version can be read, return a clause that says why, such as `which does not tell its version`. If the settings
    contain a custom command for the tunnel, return None.
    """
    if tunnel.command:  # an unknown program may do anything when it is run with a version option
        return None
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
        return "which does not tell its version in time"
    except OSError as error:
        return f"which cannot be started ({error.strerror})"
    line = next(iter(done.stdout[:2000].decode("utf-8", "replace").strip().splitlines()), "")
    return printable(line, limit=100) or "which does not tell its version"


def dns(context: CheckContext) -> CheckResult:
    """Check whether the host name in the public address resolves to public IP addresses only."""
    host = urlsplit(context.public_url or "").hostname
    if host is None:
        return _check_resolver(context)
    try:
        addresses = context.lookups.resolve(host)
    except OSError as error:
        reason = printable(error.strerror or str(error))
        return fail(f"{host} is not found: {reason}.", "Look at its record at your name server, or at public_url.")
    near = [each for each in addresses if not ipaddress.ip_address(each.partition("%")[0]).is_global]
    message = f"{host} is {', '.join(addresses)}."
    if near:
        return warn(
            f"{message} From the Internet nobody reaches {', '.join(near)}.",
            "Let its record name a public address; if it does, only your own network answers otherwise.",
        )
    return ok(message)


def _check_resolver(context: CheckContext) -> CheckResult:
    """Check whether names can be looked up at all. Called if no public address is known."""
    url = context.lookups.console(context.settings.site)
    host = urlsplit(url).hostname or ""
    if context.lookups.proxied(url):
        return ok("no public address is known; names are looked up by the proxy.")
    try:
        context.lookups.resolve(host)
    except OSError as error:
        reason = printable(error.strerror or str(error))
        return warn(
            f"no name can be looked up ({host}: {reason}).", "Is this computer online? Look at its name server."
        )
    return ok(f"no public address is known; names can be looked up ({host}).")


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
    kernel = {True: " The system keeps it in step.", False: " The system does not keep it in step.", None: ""}[
        synchronised
    ]
    url = context.lookups.console(context.settings.site)
    host = urlsplit(url).hostname
    try:
        ahead = context.lookups.ahead(url)
    except (OSError, ValueError):
        ahead = None
    if ahead is None:
        message = f"it could not be compared with {host}.{kernel}"
        return warn(message, _SET_IT) if synchronised is False else ok(message)
    if abs(ahead) <= _ODD:
        return ok(f"it agrees with {host}.{kernel}")
    where = "behind" if ahead > 0 else "ahead of"
    message = (
        f"it is {duration_text(abs(ahead))} {where} that of {host}, so Cloud Monitor's times are shown wrongly.{kernel}"
    )
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
