"""The doctor's checks of the desktop: screen, tray, notifications, session bus and keyring."""

import asyncio
import contextlib
import os
import shlex
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, ok, warn
from trayalert.app.platform.screen import find_screen_problem, has_xembed_tray
from trayalert.dbus_client import (
    BUS_FAULTS,
    call,
    connect_bus,
    has_owner,
    is_activatable,
    method_call,
    session_bus_address,
)
from trayalert.domain.fault import Fault
from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList, as_sentence
from trayalert.domain.text import printable

_NOT_NEEDED = Phrase("not needed by `trayalert serve`, which runs here.")
_PART_OF_SYSTEM = Phrase("the system's own.")
_WATCHER, _WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
_NOTIFICATIONS, _NOTIFICATIONS_PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_SECRETS = "org.freedesktop.secrets"

_GNOME = Phrase(
    'GNOME shows no tray by itself. Install the extension "AppIndicator and KStatusNotifierItem Support" (Debian and'
    " Ubuntu: apt install gnome-shell-extension-appindicator), switch it on in Extensions, log out and in again."
)
_PANEL = Phrase("Add a tray (status tray, notification area) to your panel, or start a program that shows one.")
_LACKS = {
    "actions": N_("no buttons"),
    "body": N_("no text below the title"),
    "persistence": N_("none stays in a list"),
}
"""Maps each capability that a notification daemon may lack to what the user misses without the capability."""

_BUS_TIMEOUT = 4.0
"""Maximum time for a query to the session bus, in seconds."""

_Answer = TypeVar("_Answer")


class BusFault(Fault):
    """Raised when the session bus, or a program on the session bus, does not answer."""


def _query_bus(query: Callable[[MessageBus], Awaitable[_Answer]]) -> _Answer:
    """Run a query over a new connection to the session bus, and return the result. Raise BusFault if the query fails.

    `query` must send messages only to names that a running program owns. A message to any other name could make the bus
    start a program.
    """
    address = session_bus_address()
    if address is None:
        raise BusFault(Phrase("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)."))

    async def run_query() -> _Answer:
        async with asyncio.timeout(_BUS_TIMEOUT):
            bus = await connect_bus(address, lambda _: None)
            try:
                return await query(bus)
            finally:
                bus.disconnect()

    try:
        return asyncio.run(run_query())
    except TimeoutError as error:
        raise BusFault(
            Phrase("there was no answer over the session bus within {seconds:g} s.", seconds=_BUS_TIMEOUT)
        ) from error
    except BUS_FAULTS as error:
        raise BusFault(
            Phrase(
                "the session bus {address} cannot be asked: {reason}.",
                address=printable(address),
                reason=printable(str(error)) or repr(error),
            )
        ) from error


def _has_screen() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def screen(context: CheckContext) -> CheckResult:
    """Check whether the tray application can draw on the screen."""
    if context.headless:
        return ok(_NOT_NEEDED)
    with contextlib.ExitStack() as connections:
        found = find_screen_problem(connections)
    if found is None:
        name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
        return ok(Phrase("{name} answers.", name=printable(name)) if name else _PART_OF_SYSTEM)
    if not _has_screen():
        return warn(
            found, Phrase("Run trayalert inside a desktop session, or receive without a screen: trayalert serve.")
        )
    return fail(found, Phrase("Until that is mended: trayalert serve receives without a screen."))


def tray(context: CheckContext) -> CheckResult:
    """Check whether the desktop has a tray that shows icons."""
    if sys.platform != "linux":
        return ok(_PART_OF_SYSTEM)
    if context.headless:
        return ok(_NOT_NEEDED)
    if not _has_screen():
        return warn(Phrase("there is no screen that could have one."), Phrase("See the line on the screen."))
    unknown = ""
    try:
        watched, hosted = _query_bus(_find_watcher)
    except BusFault as fault:
        watched = hosted = False
        unknown = as_sentence(str(fault))
    if hosted:
        return ok(Phrase("it shows icons by StatusNotifierItem."))
    if has_xembed_tray():
        return ok(Phrase("it shows icons by XEmbed."))
    if watched:
        message = Phrase("{name} is there, but nothing that shows icons.", name=_WATCHER)
    else:
        message = Phrase("nothing shows tray icons here.")
    gnome = "GNOME" in os.environ.get("XDG_CURRENT_DESKTOP", "").upper()
    return warn(PhraseList([message, unknown]), _GNOME if gnome else _PANEL)


async def _find_watcher(bus: MessageBus) -> tuple[bool, bool]:
    """Return two flags: a StatusNotifierWatcher runs, and a tray that shows icons has registered with the watcher."""
    if not await has_owner(bus, _WATCHER):
        return False, False
    query = method_call(
        _WATCHER, _WATCHER_PATH, "Get", "ss", _WATCHER, "IsStatusNotifierHostRegistered",
        interface="org.freedesktop.DBus.Properties",
    )  # fmt: skip
    try:
        return True, bool((await call(bus, query))[0].value)
    except DBusError:  # a watcher that lacks this property shows icons itself
        return True, True


def notifications(context: CheckContext) -> CheckResult:
    """Check which daemon shows notifications, and which capabilities it lacks."""
    if sys.platform != "linux":
        return ok(_PART_OF_SYSTEM)
    if context.headless:
        return ok(_NOT_NEEDED)
    try:
        server, able, startable = _query_bus(_find_notification_daemon)
    except BusFault as fault:
        return warn(str(fault), Phrase("Alerts show in tray and window only. Run trayalert inside a desktop session."))
    if server is None and startable:
        return ok(Phrase("the session starts a notification daemon when the first notification comes."))
    if server is None:
        return warn(
            Phrase("there is no notification daemon, so alerts show in tray and window only."),
            Phrase("Install one, such as dunst, mako or xfce4-notifyd."),
        )
    return ok(PhraseList([_daemon_text(server, able), _missing_text(able)]))


def _daemon_text(server: list[Any], able: list[str]) -> Phrase:
    name, maker, version = (printable(str(word), limit=60) for word in server[:3])
    daemon = {"name": name, "version": version, "maker": maker}
    if not able:
        return Phrase("{name} {version} ({maker}) shows nothing but titles.", **daemon)
    capabilities = PhraseList(sorted(able), separator=NAMES)
    return Phrase("{name} {version} ({maker}) shows {capabilities}.", **daemon, capabilities=capabilities)


def _missing_text(able: list[str]) -> str:
    missing = [Phrase(what) for word, what in _LACKS.items() if word not in able]
    return Phrase("It lacks something: {things}.", things=PhraseList(missing, separator=NAMES)) if missing else ""


async def _find_notification_daemon(bus: MessageBus) -> tuple[list[Any] | None, list[str], bool]:
    """Return the notification daemon's server information, its capabilities, and whether it is available.

    If no daemon is running, the server information is None and the list of capabilities is empty. A daemon that is not
    running is available if the session bus can start the daemon.
    """
    if not await has_owner(bus, _NOTIFICATIONS):
        return None, [], await is_activatable(bus, _NOTIFICATIONS)
    server = await call(bus, method_call(_NOTIFICATIONS, _NOTIFICATIONS_PATH, "GetServerInformation"))
    able = (await call(bus, method_call(_NOTIFICATIONS, _NOTIFICATIONS_PATH, "GetCapabilities")))[0]
    return server, [printable(str(word), limit=40) for word in able], True


def session_bus(context: CheckContext) -> CheckResult:
    """Check whether the session bus answers."""
    if sys.platform != "linux":
        return ok(Phrase("not needed on this system."))
    try:
        _query_bus(lambda bus: has_owner(bus, _NOTIFICATIONS))
    except BusFault as fault:
        if context.headless:
            return ok(_NOT_NEEDED)
        return warn(str(fault), Phrase("Tray and notifications need it. Run trayalert inside a desktop session."))
    return ok(Phrase("{name} answers.", name=printable(session_bus_address())))


def keyring(context: CheckContext) -> CheckResult:
    """Check that other users cannot read the files with secrets, and report whether there is a keyring.

    trayalert keeps its secrets in files, so it needs no keyring.
    """
    files = context.secret_files
    wrong = [path for path in files if _readable_by_others(path)]
    if wrong:
        names = PhraseList(map(str, wrong), separator=NAMES)
        command = f"chmod go= {shlex.join(map(str, wrong))}"
        return fail(Phrase("other users of this computer can read the secrets in {files}.", files=names), command)
    there = PhraseList([str(path) for path in files if path.exists()], separator=NAMES)
    if there:
        where = Phrase("nothing needs one: secrets lie in {files}, which nobody else may read.", files=there)
    else:
        where = Phrase("nothing needs one: there is no secret yet.")
    return ok(PhraseList([where, _keyring_text()]))


def _keyring_text() -> str:
    if sys.platform != "linux":
        return ""
    try:
        there = _query_bus(_has_secret_service)
    except BusFault:
        there = False
    return Phrase("A keyring is there.") if there else Phrase("No keyring is there.")


async def _has_secret_service(bus: MessageBus) -> bool:
    return await has_owner(bus, _SECRETS) or await is_activatable(bus, _SECRETS)


def _readable_by_others(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
