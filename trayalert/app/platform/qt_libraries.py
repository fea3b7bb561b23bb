"""Checks whether the system has the libraries that Qt needs, by loading Qt's shared libraries without starting Qt.

Run this check before creating a QApplication, because Qt aborts the process if it cannot load its platform plugin.
"""

import ctypes
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList
from trayalert.resource_files import read_text

_MODULES = (
    "shiboken6.Shiboken",  # before PySide6, which prints a complaint on stderr if this module cannot be loaded
    "trayalert.ui",  # before any other module that imports Qt: Qt then loads faster and takes less memory
    "PySide6.QtWidgets",
)
_LOADER_ERROR = re.compile(r"(?:\S*/)?(?P<library>[^/\s:]+\.so[.0-9]*): (?P<why>.*)")
"""Matches an error message of the dynamic loader.

An example is "libGL.so.1: cannot open shared object file: No such file or directory".
"""

_MISSING = ("cannot open shared object file: No such file or directory", "cannot open shared object file")
"""The reasons that the dynamic loader gives if it does not find a library.

If the loader has searched for the same library before, it gives the shorter reason.
"""

_BUNDLED = ("libQt6", "libpyside6", "libshiboken6", "libicu")
"""Prefixes of the names of libraries that come with PySide6."""

_ON_DEBIAN = N_("Debian and Ubuntu: {command}")
_MOST = 5
"""Maximum number of missing libraries that a message names. Any further libraries are only counted."""


def find_qt_problem(platform: str) -> str | None:
    """Return a sentence that says why Qt cannot be loaded, or None if Qt can be loaded.

    `platform` is the name of Qt's platform plugin for the screen, such as `xcb` or `wayland`. This function also loads
    the plugin.
    """
    try:
        for module in _MODULES:
            importlib.import_module(module)
        _load_plugin(platform)
    except (ImportError, OSError) as error:
        return _describe(_loader_message(error), platform)
    return None


def _load_plugin(platform: str) -> None:
    # QLibraryInfo is not asked for the path, because Qt would take the calling thread for Qt's main thread. The caller
    # may be on the doctor's thread.
    package = Path(importlib.import_module("PySide6").__path__[0])
    plugin = package / "Qt" / "plugins" / "platforms" / f"libq{platform}.so"
    if plugin.exists():  # if not, the plugin is in a folder that only Qt knows
        ctypes.CDLL(str(plugin))


def _loader_message(error: Exception) -> str:
    # in the frozen program, PyInstaller wraps the loader's error in another error
    return str(error.__cause__ or error)


def _describe(message: str, platform: str) -> str:
    packages = {library: package for user, library, package in _table() if user in {"qt", platform}}
    missing = list(dict.fromkeys([*_missing(message), *_missing_of(packages)]))
    if missing:
        return Phrase.counted(
            "the library {names} is missing, which Qt needs ({hints}).",
            "the libraries {names} are missing, which Qt needs ({hints}).",
            len(missing),
            names=_listed(missing),
            hints=PhraseList(_install_hints(missing, packages), separator=N_("; ")),
        )
    named = _LOADER_ERROR.match(message)  # the library exists, but is damaged or built for another system
    package = packages.get(named["library"]) if named else None
    if package is None:
        return Phrase("Qt cannot be loaded: {reason}.", reason=message)
    hint = Phrase(_ON_DEBIAN, command=f"apt install --reinstall {package}")
    return Phrase("Qt cannot be loaded: {reason} ({hint}).", reason=message, hint=hint)


def _table() -> Iterator[list[str]]:
    """Yield the rows of `qt_libraries.txt`.

    Each row has three words: a part of Qt (`qt` or the name of a plugin), a library that this part needs, and the
    library's Debian package.
    """
    return (line.split() for line in read_text("qt_libraries.txt").splitlines() if not line.startswith("#"))


def _missing(message: str) -> Iterator[str]:
    """Yield the name of the missing library, if the loader's message says that a library is missing."""
    named = _LOADER_ERROR.match(message)
    if named and named["why"] in _MISSING:
        yield named["library"]


def _missing_of(libraries: Iterable[str]) -> Iterator[str]:
    """Yield the names of the missing libraries among `libraries` and their dependencies."""
    for library in libraries:
        try:
            ctypes.CDLL(library)
        except OSError as error:
            yield from _missing(_loader_message(error))


def _listed(libraries: list[str]) -> str:
    more = Phrase("{number} more", number=len(libraries) - _MOST)
    *first, last = libraries if len(libraries) <= _MOST else [*libraries[:_MOST], more]
    return Phrase("{first} and {last}", first=PhraseList(first, separator=NAMES), last=last) if first else last


def _install_hints(missing: list[str], packages: dict[str, str]) -> Iterator[str]:
    """Yield sentences that say how to install the missing libraries."""
    installable = dict.fromkeys(packages[library] for library in missing if library in packages)
    if installable:
        yield Phrase(_ON_DEBIAN, command=f"apt install {' '.join(installable)}")
    for library in missing:
        if library.startswith(_BUNDLED):
            yield Phrase("{library} comes with PySide6: install trayalert again", library=library)
        elif library not in packages:
            command = f"apt-file search {library}"
            yield Phrase("Debian and Ubuntu: {command} finds its package", command=command)
