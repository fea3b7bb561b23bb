"""What runs here: the versions that matter to whoever looks into a fault. Asked only when there is one."""

import platform
import sys

from trayalert import __version__

_PACKAGES = ("PySide6-Essentials", "qasync", "aiohttp", "click", "platformdirs", "dbus-fast", "desktop-notifier")


def versions() -> dict[str, str]:
    """Return the versions of the program, of what it stands on, and of the system."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - no start is to wait for it

    found = {
        "trayalert": __version__,
        "Python": platform.python_version(),
        "frozen": "yes" if getattr(sys, "frozen", False) else "no",
        "system": platform.platform(),
    }
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a frozen program brings no names of packages along
            continue
    return found
