"""Finds the language in which the system shows its messages to the user."""

import os
import sys
from collections.abc import Callable, Mapping

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_MACOS_SETTINGS = ("AppleLanguages", "AppleLocale")
_PATIENCE = 2.0
"""Maximum time to wait for macOS' settings, in seconds."""


def _read_windows_language() -> int:
    """Return the identifier of the language of Windows' user interface."""
    if sys.platform != "win32":
        return 0
    import ctypes  # noqa: PLC0415 - only Windows needs the module

    return int(ctypes.windll.kernel32.GetUserDefaultUILanguage())


def _read_macos_setting(name: str) -> str:
    """Return a macOS setting as `defaults` prints it, or an empty string if the setting cannot be read."""
    import subprocess  # noqa: PLC0415 - the import takes time, and only macOS needs the module

    arguments = ["/usr/bin/defaults", "read", "-g", name]
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=_PATIENCE, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def system_locale(
    environment: Mapping[str, str] = os.environ,
    *,
    platform: str = sys.platform,
    read_windows_language: Callable[[], int] = _read_windows_language,
    read_macos_setting: Callable[[str], str] = _read_macos_setting,
) -> str:
    """Return the name of the locale of the user's messages, such as `zh_CN.UTF-8`, or an empty string if it is unknown.

    On Windows, the language of the user interface decides. On other systems, the environment decides, in the same way
    as for gettext. If the environment names no locale on macOS, the settings of macOS decide.
    """
    if platform == "win32":
        import locale  # noqa: PLC0415 - only Windows needs the module

        return locale.windows_locale.get(read_windows_language(), "")
    name = _environment_locale(environment)
    if name or platform != "darwin":
        return name
    return next(filter(None, (_first_entry(read_macos_setting(setting)) for setting in _MACOS_SETTINGS)), "")


def _environment_locale(environment: Mapping[str, str]) -> str:
    """Return the locale that the first non-empty variable of LC_ALL, LC_MESSAGES and LANG names.

    LANGUAGE, a list of languages, takes precedence over these variables, unless they name the locale C or POSIX.
    """
    name = next(filter(None, map(environment.get, _VARIABLES)), "")
    if name.partition(".")[0] in {"", "C", "POSIX"}:
        return name
    return next(filter(None, environment.get("LANGUAGE", "").split(":")), name)


def _first_entry(printed: str) -> str:
    """Return the first entry of a list that `defaults` has printed. If `printed` is a single value, return the value.

    A list is printed in parentheses, with each entry on a line of its own, such as `"zh-Hans-CN",`.
    """
    entries = (line.strip(' \t"(),;') for line in printed.splitlines())
    return next(filter(None, entries), "")
