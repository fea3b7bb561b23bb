"""Writes and reads crash files: records of exceptions and crashes, for the next start and for the developers.

A crash file is written atomically, and other users cannot read the file. Secrets are masked. Only the newest files are
kept. A file `crash-...` describes how a run ended. Later runs report the crash until the user has seen the report. A
file `error-...` describes an exception after which the run continued.
"""

import contextlib
import faulthandler
import logging
import os
import platform
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from trayalert import __version__
from trayalert.clock import now
from trayalert.domain.fault import Fault
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis, as_millis, moment_text
from trayalert.durable_file import write_private

if TYPE_CHECKING:
    import asyncio  # not imported at run time, because `trayalert status` does not need asyncio

KEPT = 10
"""Number of crash files of each kind to keep. Older files are deleted."""
REPEAT_SECONDS = 3600.0
"""Seconds within which exceptions from the same place in the code are reported only once.

Within this time, exceptions from at most KEPT places are reported.
"""

_FATAL = "fatal.txt"
_STAMP = "%Y%m%dT%H%M%SZ"
_SEEN = ".seen.txt"
_UNSEEN = re.compile(r"crash-([0-9]{8}T[0-9]{6}Z)(-[0-9]+)?\.txt")

_PACKAGES = ("PySide6-Essentials", "qasync", "aiohttp", "click", "platformdirs", "dbus-fast", "desktop-notifier")

_logger = logging.getLogger(__name__)


class CrashFault(Fault):
    """Raised when an unexpected exception has ended the program. The message names the crash file."""


class CrashFiles:
    """Reads and writes the crash files in a folder.

    Any thread may use the object. `mask` is a function that removes secrets from a string.
    """

    def __init__(self, folder: Path, mask: Callable[[str], str]) -> None:
        self._folder = folder
        self._mask = mask
        self._lock = threading.Lock()
        self._reported_at: dict[str, float] = {}
        self._unseen: tuple[Path, ...] | None = None

    # crashes of earlier runs, which this run reports

    def unseen(self) -> tuple[Path, ...]:
        """Return the crash files that the user has not seen yet, oldest first. Only the first call reads the folder."""
        if self._unseen is None:
            found = sorted(self._folder.glob("crash-*.txt")) if self._folder.is_dir() else ()
            self._unseen = tuple(path for path in found if _crashed_at(path) is not None)
        return self._unseen

    def sentences(self) -> tuple[str, ...]:
        """Return a message for each crash that the user has not seen yet: its time, and the path of its file."""
        moments = ((path, _crashed_at(path)) for path in self.unseen())
        return tuple(
            Phrase(
                "trayalert crashed at {time}; what happened is in {path}. `trayalert diagnostics` packs it for its "
                "makers.",
                time=moment_text(moment, now=now()),
                path=path,
            )
            for path, moment in moments
            if moment is not None
        )

    def mark_seen(self) -> None:
        """Mark all crashes as seen by the user. The crash files are renamed, but stay in the folder."""
        for path in self.unseen():
            with contextlib.suppress(OSError):
                path.rename(path.with_name(path.name.removesuffix(".txt") + _SEEN))
        self._unseen = ()

    # exceptions and crashes of this run

    @contextlib.contextmanager
    def watching(self, mode: str) -> Iterator[None]:
        """While the context is open, write crash files for exceptions and fatal signals.

        Exceptions in threads and in Qt's slots are included. If an exception leaves the context, CrashFault is raised
        in its place. A Fault is passed on unchanged, because it is not a bug. `mode` ("tray" or "serve") is written
        into the crash files.
        """
        with self._watching_signals(), self._watching_hooks(mode):
            try:
                yield
            except Fault:
                raise
            except Exception as error:
                raise CrashFault(self._end_sentence(mode, error)) from error

    def watch_tasks(self, loop: "asyncio.AbstractEventLoop", mode: str) -> None:
        """Make `loop` write a crash file when a task fails with an exception and no code awaits the task."""

        def handle(loop: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
            error = context.get("exception")
            if isinstance(error, Exception):
                self.report_error(mode, error, str(context.get("message", "")))
            else:
                loop.default_exception_handler(context)

        loop.set_exception_handler(handle)

    def report_error(self, mode: str, error: BaseException, message: str = "an exception that nobody caught") -> None:
        """Log an exception that does not end the program, and write a crash file for it.

        Further exceptions from the same place in the code are ignored for REPEAT_SECONDS. Within this time, exceptions
        from at most KEPT places are reported.
        """
        with self._lock:
            place, now = _location(error), time.monotonic()
            self._reported_at = {known: at for known, at in self._reported_at.items() if now - at < REPEAT_SECONDS}
            if place in self._reported_at or len(self._reported_at) >= KEPT:
                return
            self._reported_at[place] = now
        _logger.error("%s", message, exc_info=error)
        self._write("error", mode, _traceback(error))

    def _end_sentence(self, mode: str, error: Exception) -> str:
        kind = type(innermost(error)).__name__
        path = self._write("crash", mode, _traceback(error))
        if path is None:
            _logger.error("the end of the program", exc_info=error)
            return Phrase(
                "a fault of its own ended it: {kind}. No file could take what happened. Start it again.", kind=kind
            )
        return Phrase(
            "a fault of its own ended it: {kind}. What happened is in {path}. Start it again.",
            kind=kind,
            path=self._mask(str(path)),
        )

    def _write(self, kind: str, mode: str, text: str, at: datetime | None = None) -> Path | None:
        at = at or datetime.now(UTC)
        facts = "".join(f"{name} {version}\n" for name, version in versions().items())
        head = f"{kind} of trayalert ({mode}, process {os.getpid()}) at {at:%Y-%m-%d %H:%M:%S} UTC\n{facts}\n"
        try:
            self._make_folder()
            path = self._free_name(f"{kind}-{at:{_STAMP}}")
            write_private(path, self._mask(head + text))
            written = sorted(self._folder.glob(f"{kind}-*.txt"), key=lambda file: file.stat().st_mtime_ns)
            for old in written[:-KEPT]:
                old.unlink()
        except OSError as error:
            _logger.error("no crash file could be written: %s", error)
            return None
        return path

    def _free_name(self, stem: str) -> Path:
        names = (f"{stem}.txt", *(f"{stem}-{number}.txt" for number in range(2, KEPT + 2)))
        return next(
            (path for name in names if not (path := self._folder / name).exists()), self._folder / f"{stem}.txt"
        )

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def _watching_signals(self) -> Iterator[None]:
        """While the context is open, write a traceback to a file if a fatal signal arrives.

        If an earlier run has left a traceback in this file, the traceback is turned into a crash file.
        """
        fatal = self._folder / _FATAL
        try:
            self._make_folder()
            self._keep_former(fatal)
            descriptor = os.open(fatal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            _logger.error("fatal signals cannot be written down: %s", error)
            yield
            return
        faulthandler.enable(descriptor)
        try:
            yield
        finally:
            faulthandler.disable()
            os.close(descriptor)
            with contextlib.suppress(OSError):
                if not fatal.stat().st_size:
                    fatal.unlink()

    def _keep_former(self, fatal: Path) -> None:
        try:
            found = fatal.stat()
        except FileNotFoundError:
            return
        if not found.st_size:  # a kill leaves an empty file, and is not a crash
            return
        text = fatal.read_text(encoding="utf-8", errors="replace")
        if self._write("crash", "found at the next start", text, datetime.fromtimestamp(found.st_mtime, UTC)):
            fatal.unlink()

    @contextlib.contextmanager
    def _watching_hooks(self, mode: str) -> Iterator[None]:
        """While the context is open, write a crash file for each exception in Qt's slots and in threads.

        No caller can catch these exceptions.
        """

        def on_main_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            if isinstance(error, Exception):
                self.report_error(mode, error)
            else:
                sys.__excepthook__(kind, error, trace)

        def on_thread_exception(arguments: threading.ExceptHookArgs) -> None:
            if isinstance(arguments.exc_value, Exception):
                name = arguments.thread.name if arguments.thread else "gone"
                self.report_error(mode, arguments.exc_value, f"the thread {name} has ended by an exception")

        before = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = on_main_exception, on_thread_exception
        try:
            yield
        finally:
            sys.excepthook, threading.excepthook = before


def versions() -> dict[str, str]:
    """Return the versions of trayalert, Python, the system and the packages that trayalert uses, keyed by name."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, needed only here

    found = {
        "trayalert": __version__,
        "Python": platform.python_version(),
        "frozen": "yes" if getattr(sys, "frozen", False) else "no",
        "system": platform.platform(),
    }
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # a frozen program lacks the metadata of its packages
            found[name] = version(name)
    return found


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def innermost(error: BaseException) -> BaseException:
    """Return `error` or, if `error` is an exception group, the first exception in the group.

    asyncio's task groups raise exception groups. Nested groups are searched in the same way, so the result is never a
    group.
    """
    return innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _location(error: BaseException) -> str:
    error = innermost(error)
    frames = traceback.extract_tb(error.__traceback__)
    last = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} {last}"


def _crashed_at(path: Path) -> Millis | None:
    """Return the time of an unseen crash, given its crash file. Return None for any other file."""
    name = _UNSEEN.fullmatch(path.name)
    try:
        return as_millis(datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC)) if name else None
    except ValueError:
        return None
