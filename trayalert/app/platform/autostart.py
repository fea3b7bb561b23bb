"""Starts trayalert with the desktop session: by an XDG autostart entry, Windows' Run key or a macOS LaunchAgent.

At each login, the session starts trayalert with the data dir for which autostart was turned on. No window opens.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trayalert.app.platform.places import Places, find_places
from trayalert.domain.fault import Fault, os_reason
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.text import as_written
from trayalert.durable_file import write_private

_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
_NAME = "trayalert"
_RESERVED = frozenset(" \t\"'\\><~|&;$*?#()`")
"""Characters that must be inside quotes in an argument of `Exec`, according to the Desktop Entry Specification."""


class AutostartFault(Fault):
    """Autostart cannot be changed. The message says why."""


@dataclass(frozen=True, slots=True)
class LaunchCommand:
    """The command that starts the program.

    `folder` is the working folder that the command needs, or None if the command works in any folder.
    """

    arguments: tuple[str, ...]
    folder: Path | None = None


class Autostart(Protocol):
    """The autostart mechanism of a platform. All methods may raise OSError."""

    def is_on(self) -> bool: ...  # noqa: D102
    def turn_on(self, launch: LaunchCommand) -> None: ...  # noqa: D102
    def turn_off(self) -> None: ...  # noqa: D102


def autostart_enabled() -> bool | None:
    """Return whether trayalert starts with the session, or None if this is unknown.

    If the platform has no autostart, return None.
    """
    mechanism = _platform_autostart()
    try:
        return None if mechanism is None else mechanism.is_on()
    except OSError:
        return None


def set_autostart(enabled: bool, places: Places) -> None:
    """Turn autostart on or off. Raise AutostartFault if autostart cannot be changed."""
    mechanism = _platform_autostart()
    if mechanism is None:
        raise AutostartFault(Phrase("this system has no place for programs that start with the session."))
    try:
        if enabled:
            mechanism.turn_on(launch_command(places))
        else:
            mechanism.turn_off()
    except OSError as error:
        problem = Phrase("the autostart cannot be changed: {reason}.", reason=os_reason(error))
        if error.filename:
            problem = Phrase(
                "the autostart cannot be changed: {reason} ({path}).", reason=os_reason(error), path=error.filename
            )
        raise AutostartFault(problem) from error


def launch_command(places: Places, *, argv: Sequence[str] | None = None) -> LaunchCommand:
    """Return the command that starts this program again, minimised to the tray and with the same data dir.

    `argv` is the command line of this process, by default `sys.orig_argv`. Raise AutostartFault if an argument contains
    an unprintable character.
    """
    named = () if places == find_places(None) else ("--data-dir", str(places.data_dir))
    own, folder = _own_program(sys.orig_argv if argv is None else argv)
    arguments = (*own, "--minimised", *named)
    for argument in arguments:
        if not argument.isprintable():
            problem = N_("{argument} cannot stand in an autostart entry: it holds a strange letter.")
            raise AutostartFault(Phrase(problem, argument=as_written(argument)))
    return LaunchCommand(arguments, folder)


def _own_program(argv: Sequence[str]) -> tuple[tuple[str, ...], Path | None]:
    """Return the command line that starts this program, and the working folder that the command line needs.

    For the frozen program and for the installed command, the command line contains only the program file. The folder is
    None, because any folder will do.

    In all other cases, the command line runs Python with `-m trayalert`, and the folder contains the package.
    """
    if getattr(sys, "frozen", False):
        return (sys.executable,), None
    script = next((Path(word).absolute() for word in argv[:3] if Path(word).stem == _NAME), None)
    if script is not None and "-m" not in argv[:3] and shutil.which(script):
        return (str(script),), None
    # Python finds the package in a checkout only if the checkout is the working folder
    return (sys.executable, "-m", _NAME), Path(__file__).absolute().parents[3]


def _platform_autostart() -> Autostart | None:
    if sys.platform == "win32":
        return RunKey(WindowsRegistry())
    with contextlib.suppress(RuntimeError):  # the user has no home folder
        if sys.platform == "darwin":
            return LaunchAgent(Path.home() / "Library" / "LaunchAgents")
        named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        return XdgEntry((named if named.is_absolute() else Path.home() / ".config") / "autostart")
    return None


class XdgEntry:
    """The file `trayalert.desktop` in the autostart folder.

    The format follows the Desktop Entry and the Desktop Application Autostart specifications.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{_NAME}.desktop"

    def is_on(self) -> bool:
        """Return whether the file contains an entry that is not disabled."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return False
        pairs = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
        off = pairs.get("Hidden") == "true" or pairs.get("X-GNOME-Autostart-enabled") == "false"
        return "Exec" in pairs and not off

    def turn_on(self, launch: LaunchCommand) -> None:
        """Write the entry."""
        program = launch.arguments[0]
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            "Name=trayalert",
            "Comment=Alerts of Alibaba Cloud Monitor",
            "Comment[zh_CN]=阿里云监控告警",
            f"Exec={_escaped(' '.join(map(_quoted, launch.arguments)))}",
            f"TryExec={_escaped(program)}",
            *([f"Path={_escaped(str(launch.folder))}"] if launch.folder else []),
            "Icon=trayalert",
            "Terminal=false",
            "StartupNotify=false",
            "X-GNOME-Autostart-enabled=true",
        ]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._path, "\n".join(lines) + "\n")

    def turn_off(self) -> None:
        """Remove the entry."""
        self._path.unlink(missing_ok=True)


def _quoted(argument: str) -> str:
    """Return an argument for `Exec`, in quotes if necessary.

    Each percent sign is doubled, because a single percent sign would begin a field code.
    """
    text = argument.replace("%", "%%")
    if argument and not _RESERVED & set(argument):
        return text
    return '"' + "".join(f"\\{character}" if character in '"`$\\' else character for character in text) + '"'


def _escaped(text: str) -> str:
    """Return a value with its backslashes escaped, as the desktop entry format demands."""
    return text.replace("\\", "\\\\")


class Registry(Protocol):
    """Reads and writes values in the registry hive of the current user."""

    def read(self, key: str, name: str) -> Any: ...  # noqa: D102
    def write(self, key: str, name: str, value: str) -> None: ...  # noqa: D102
    def delete(self, key: str, name: str) -> None: ...  # noqa: D102


class RunKey:
    """The value for trayalert in Windows' Run key.

    The user can disable the value in Windows. Windows then keeps the value, and sets a flag in another registry key.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def is_on(self) -> bool:
        """Return whether the value exists and is not disabled."""
        approved = self._registry.read(_APPROVED, _NAME)
        off = isinstance(approved, bytes) and bool(approved[:1]) and approved[0] % 2 == 1
        return self._registry.read(_RUN, _NAME) is not None and not off

    def turn_on(self, launch: LaunchCommand) -> None:
        """Write the value."""
        self._registry.write(_RUN, _NAME, subprocess.list2cmdline(launch.arguments))
        self._registry.delete(_APPROVED, _NAME)

    def turn_off(self) -> None:
        """Remove the value."""
        self._registry.delete(_RUN, _NAME)


if sys.platform == "win32":
    import winreg

    class WindowsRegistry:
        """Implements `Registry` on Windows."""

        def read(self, key: str, name: str) -> Any:
            """Return a value, or None if the value does not exist."""
            with contextlib.suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                return winreg.QueryValueEx(opened, name)[0]
            return None

        def write(self, key: str, name: str, value: str) -> None:
            """Set the registry value `name` of the given key to the string `value`. Create the key if it is missing."""
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

        def delete(self, key: str, name: str) -> None:
            """Remove a value, if it exists."""
            right = winreg.KEY_SET_VALUE
            with (
                contextlib.suppress(FileNotFoundError),
                winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, right) as opened,
            ):
                winreg.DeleteValue(opened, name)


class LaunchAgent:
    """A property list that launchd reads when the user logs in."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{_NAME}.plist"

    def is_on(self) -> bool:
        """Return whether the property list exists and is not disabled."""
        import plistlib  # noqa: PLC0415 - the module costs memory, and only macOS has such a file
        from xml.parsers.expat import ExpatError  # noqa: PLC0415

        try:
            found = plistlib.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError, ExpatError):
            return False
        return isinstance(found, dict) and bool(found.get("RunAtLoad")) and not found.get("Disabled")

    def turn_on(self, launch: LaunchCommand) -> None:
        """Write the property list."""
        import plistlib  # noqa: PLC0415 - the module costs memory, and only macOS has such a file

        entry: dict[str, object] = {
            "Label": _NAME,
            "ProgramArguments": list(launch.arguments),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        if launch.folder:
            entry["WorkingDirectory"] = str(launch.folder)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._path, plistlib.dumps(entry).decode())

    def turn_off(self) -> None:
        """Remove the property list."""
        self._path.unlink(missing_ok=True)
