"""The reaper: a process between trayalert and a tunnel, so that no tunnel outlives trayalert.

It imports next to nothing, as it lives as long as the tunnel. Its standard input, which it never reads, closes when
trayalert has ended, even by a kill; then the reaper ends the whole process tree. On Linux it is a subreaper, and so
finds also processes in sessions of their own.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable

FLAG = "--guard-a-tunnel"
"""The first argument that makes the frozen program a reaper."""

_CANNOT_START = 126
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_POLL_INTERVAL = 0.02
_KILL_TIMEOUT = 3.0
"""Seconds after which it gives up on what no KILL ends, such as a process that waits for a dead disk."""


def main(arguments: list[str]) -> int:
    """Run `arguments[1:]`; in the end, TERM its process tree, and KILL it `arguments[0]` seconds later."""
    grace, *command = arguments
    prctl = _load_prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    for number in (signal.SIGINT, signal.SIGHUP):  # signals of the terminal are for trayalert
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    child = _spawn(command, prctl)
    status = _wait_for_end(child, wake_read)
    _terminate_all(float(grace))
    return 128 + signal.SIGTERM if status is None else status


def _load_prctl() -> Callable[[int, int], object]:
    if sys.platform != "linux":
        return lambda *_: None
    import ctypes  # noqa: PLC0415 - a megabyte that only Linux needs

    call = ctypes.CDLL(None).prctl
    return lambda option, value: call(option, ctypes.c_ulong(value), 0, 0, 0)


def _spawn(command: list[str], prctl: Callable[[int, int], object]) -> int:
    reaper_pid = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # if the reaper itself is killed
        if os.getppid() != reaper_pid:
            os._exit(_CANNOT_START)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        null_input = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null_input, 0)
        os.execvp(command[0], command)  # noqa: S606 - an argument list
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(_CANNOT_START)
    return 0


def _wait_for_end(child: int, wake_read: int) -> int | None:
    """Wait until the child or trayalert has ended. Return the child's status; None if it still runs."""
    while True:
        ready, _, _ = select.select([0, wake_read], [], [])
        if wake_read in ready:
            if signal.SIGTERM in os.read(wake_read, 4096):
                return None
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    break
                if pid == child:
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
                if not pid:
                    break
        if 0 in ready:
            return None


def _terminate_all(grace: float) -> None:
    deadline = time.monotonic() + grace
    signalled: set[int] = set()
    while (remaining := _descendants()) and time.monotonic() < deadline:
        for pid in remaining - signalled:
            _signal(pid, signal.SIGTERM)
            _signal(pid, signal.SIGCONT)  # a stopped process could not end
        signalled |= remaining
        _reap()
    deadline = time.monotonic() + _KILL_TIMEOUT
    while (remaining := _descendants()) and time.monotonic() < deadline:
        for pid in remaining:
            _signal(pid, signal.SIGKILL)
        _reap()


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    time.sleep(_POLL_INTERVAL)


def _descendants() -> set[int]:
    """Return the processes below this one; without /proc a negative number, which means the process group."""
    if sys.platform != "linux":
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return set()
        return {-os.getpgrp()}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost more than all the rest
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    children.setdefault(int(parent), []).append(int(name))
    found: set[int] = set()
    unvisited = [os.getpid()]
    while unvisited:
        child_pids = children.get(unvisited.pop(), [])
        found.update(child_pids)
        unvisited += child_pids
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
