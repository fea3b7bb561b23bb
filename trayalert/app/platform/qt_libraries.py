"""Whether the system has the libraries that Qt needs, found out by loading Qt.

This is checked before Qt is used, as Qt aborts the whole process if its plugin for the screen cannot be loaded.
"""

import ctypes
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from trayalert.resource_files import read_text

_MODULES = (
    "shiboken6.Shiboken",  # before PySide6, which complains on stderr where this one cannot be loaded
    "trayalert.ui",  # before all else that brings Qt in: it makes Qt's start lighter
    "PySide6.QtWidgets",
)
_LOADER_ERROR = re.compile(r"(?:\S*/)?(?P<library>[^/\s:]+\.so[.0-9]*): (?P<why>.*)")
"""A message of the dynamic loader, such as "libGL.so.1: cannot open shared object file: No such file or directory"."""

_MISSING = ("cannot open shared object file: No such file or directory", "cannot open shared object file")
"""Its reasons for a library that is not found; the shorter one if it has looked for that library before."""

_BUNDLED = ("libQt6", "libpyside6", "libshiboken6", "libicu")
"""How the names of the libraries begin that come with PySide6."""

_APT = "Debian and Ubuntu: apt"
_MOST = 5
"""How many missing libraries are named; more are counted."""


def find_qt_problem(platform: str) -> str | None:
    """Return a sentence if Qt or its plugin for that kind of screen (`xcb`, `wayland`, ...) cannot be loaded."""
    try:
        for module in _MODULES:
            importlib.import_module(module)
        _load_plugin(platform)
    except (ImportError, OSError) as error:
        return _describe(_loader_message(error), platform)
    return None


def _load_plugin(platform: str) -> None:
    # not from QLibraryInfo: Qt would take the calling thread, which may be the doctor's, for its main thread
    package = Path(importlib.import_module("PySide6").__path__[0])
    plugin = package / "Qt" / "plugins" / "platforms" / f"libq{platform}.so"
    if plugin.exists():  # else it lies where only Qt will find it
        ctypes.CDLL(str(plugin))


def _loader_message(error: Exception) -> str:
    return str(error.__cause__ or error)  # in the frozen bundle, ctypes raises an error of PyInstaller's from it


def _describe(message: str, platform: str) -> str:
    packages = {library: package for user, library, package in _table() if user in {"qt", platform}}
    missing = list(dict.fromkeys([*_missing(message), *_missing_of(packages)]))
    if missing:
        return f"{_listed(missing)} missing, which Qt needs ({'; '.join(_install_hints(missing, packages))})."
    named = _LOADER_ERROR.match(message)  # the library is there, but damaged or for another system
    package = packages.get(named["library"]) if named else None
    return f"Qt cannot be loaded: {message}{f' ({_APT} install --reinstall {package})' if package else ''}."


def _table() -> Iterator[list[str]]:
    """Yield what needs a library, the library and its Debian package."""
    return (line.split() for line in read_text("qt_libraries.txt").splitlines() if not line.startswith("#"))


def _missing(message: str) -> Iterator[str]:
    """Yield the library that is missing by the loader's message."""
    named = _LOADER_ERROR.match(message)
    if named and named["why"] in _MISSING:
        yield named["library"]


def _missing_of(libraries: Iterable[str]) -> Iterator[str]:
    """Yield what is missing of these libraries, or of those that they need in turn."""
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError as error:
            yield from _missing(_loader_message(error))


def _listed(libraries: list[str]) -> str:
    *first, last = libraries if len(libraries) <= _MOST else [*libraries[:_MOST], f"{len(libraries) - _MOST} more"]
    return f"the libraries {', '.join(first)} and {last} are" if first else f"the library {last} is"


def _install_hints(missing: list[str], packages: dict[str, str]) -> Iterator[str]:
    """Yield how the missing libraries are installed."""
    installable = dict.fromkeys(packages[library] for library in missing if library in packages)
    if installable:
        yield f"{_APT} install {' '.join(installable)}"
    for library in missing:
        if library.startswith(_BUNDLED):
            yield f"{library} comes with PySide6: install trayalert again"
        elif library not in packages:
            yield f"{_APT}-file search {library} finds its package"
