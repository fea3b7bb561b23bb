"""The doctor's lines on the way out and in: tunnel, name servers, clock."""

import ctypes
import ipaddress
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from trayalert.app.diagnostics.doctor.check_context import Found, Scene, fail, ok, warn
from trayalert.app.diagnostics.doctor.tunnel_version import version_told
from trayalert.app.platform.clock import now
from trayalert.domain.settings.tunnel_presets import PRESETS, program_of
from trayalert.domain.steady_clock import behind_told
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, duration_text
from trayalert.domain.tunnel import Phase
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

_ODD: Millis = 60_000
_WRONG: Millis = 5 * 60_000
_SET_IT = "Let the network set the clock (timedatectl set-ntp true)."


def tunnel(scene: Scene) -> Found:
    """Say whether the tunnel's program is here, and how the tunnel is."""
    wanted = scene.settings.tunnel
    if wanted is None:
        return ok("none is set.")
    program = program_of(wanted)
    path = shutil.which(str(Path(program).expanduser()))
    if path is None:
        return fail(
            f"the program {printable(program)} of the tunnel {wanted.kind} is not here.", PRESETS[wanted.kind].get_it
        )
    version = version_told(wanted, path)
    said = f"{wanted.kind}: {printable(path)}{f', {version}' if version else ''}."
    state = scene.told_of("tunnel")
    if not state:
        return ok(f"{said} It is started with trayalert.") if scene.running is None else ok(said)
    phase, why = str(state.get("phase")), printable(state.get("why"), limit=400)
    if phase != Phase.UP:
        return fail(f"{said} It is not up ({printable(phase, limit=20)}). {why}".strip(), "Do what that says.")
    said = f"{said} It is up at {printable(str(state.get('url') or 'an address that nobody knows'))}."
    warning = printable(state.get("warning"), limit=400)
    return warn(said, warning) if warning else ok(said)


def dns(scene: Scene) -> Found:
    """Say whether the public address is found, and by everybody."""
    host = urlsplit(scene.public_url or "").hostname
    if host is None:
        return _resolving(scene)
    try:
        addresses = scene.outside.resolve(host)
    except OSError as error:
        reason = printable(error.strerror or str(error))
        return fail(f"{host} is not found: {reason}.", "Look at its record at your name server, or at public_url.")
    near = [each for each in addresses if not ipaddress.ip_address(each.partition("%")[0]).is_global]
    said = f"{host} is {', '.join(addresses)}."
    if near:
        return warn(
            f"{said} From the Internet nobody reaches {', '.join(near)}.",
            "Let its record name a public address; if it does, only your own network answers otherwise.",
        )
    return ok(said)


def _resolving(scene: Scene) -> Found:
    """With no public address, say whether names can be looked up at all."""
    url = scene.outside.console(scene.settings.site)
    host = urlsplit(url).hostname or ""
    if scene.outside.proxied(url):
        return ok("no public address is known; names are looked up by the proxy.")
    try:
        scene.outside.resolve(host)
    except OSError as error:
        reason = printable(error.strerror or str(error))
        return warn(
            f"no name can be looked up ({host}: {reason}).", "Is this computer online? Look at its name server."
        )
    return ok(f"no public address is known; names can be looked up ({host}).")


def clock(scene: Scene) -> Found:
    """Say whether the computer's clock is right: the times of alerts come from another."""
    behind = behind_told(wall=now(), newest=_newest(scene))
    if behind:
        return fail(behind, _SET_IT)
    kept = _kept_in_step()
    kernel = {True: " The system keeps it in step.", False: " The system does not keep it in step.", None: ""}[kept]
    url = scene.outside.console(scene.settings.site)
    host = urlsplit(url).hostname
    try:
        ahead = scene.outside.ahead(url)
    except (OSError, ValueError):
        ahead = None
    if ahead is None:
        said = f"it could not be compared with {host}.{kernel}"
        return warn(said, _SET_IT) if kept is False else ok(said)
    if abs(ahead) <= _ODD:
        return ok(f"it agrees with {host}.{kernel}")
    where = "behind" if ahead > 0 else "ahead of"
    said = (
        f"it is {duration_text(abs(ahead))} {where} that of {host}, so Cloud Monitor's times are shown wrongly.{kernel}"
    )
    return fail(said, _SET_IT) if abs(ahead) > _WRONG else warn(said, _SET_IT)


def _newest(scene: Scene) -> Millis | None:
    try:
        reader = Reader(scene.places.log)
        try:
            return reader.last_callback_at()
        finally:
            reader.close()
    except LogFault:
        return None


class _Timex(ctypes.Structure):
    """The head of the kernel's `struct timex`, with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def _kept_in_step() -> bool | None:
    """Whether the kernel says that something keeps the clock right; None where it does not tell."""
    if sys.platform != "linux":
        return None
    told = _Timex()  # modes 0: only asked
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not told.status & 0x40  # STA_UNSYNC
