"""The reaper, a process that ends the tunnel when trayalert ends.

The reaper's standard input is one end of a socket, and only trayalert holds the other end. The reaper waits until the
other end is closed. The kernel closes the other end even if trayalert is killed. The reaper then ends the whole process
tree of the tunnel.

On Linux, the reaper is a subreaper (`man 2 prctl`). The reaper therefore also finds child processes that have started a
new session.

The reaper runs as long as the tunnel. To save memory, this module imports very little.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable

FLAG = "--guard-a-tunnel"
"""The frozen program runs as a reaper if FLAG is its first argument."""

_CANNOT_START = 126
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_POLL_INTERVAL = 0.02
_KILL_TIMEOUT = 3.0
"""Maximum number of seconds that the reaper waits after SIGKILL for all processes to end.

For example, a process that waits for a dead disk does not end.
"""


def main(arguments: list[str]) -> int:
    """Run a command until the command or trayalert ends, then end the command's process tree.

    `arguments[0]` is the grace time in seconds, and the other arguments are the command. To end the processes, send
    SIGTERM and, after the grace time, SIGKILL. Return the command's exit status. If the command had to be ended,
    return 128 + SIGTERM.
    """
    grace, *command = arguments
    prctl = _load_prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    for number in (signal.SIGINT, signal.SIGHUP):  # signals of the terminal are meant for trayalert
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
    import ctypes  # noqa: PLC0415 - takes a megabyte, and only Linux needs it

    call = ctypes.CDLL(None).prctl
    return lambda option, value: call(option, ctypes.c_ulong(value), 0, 0, 0)


def _spawn(command: list[str], prctl: Callable[[int, int], object]) -> int:
    reaper_pid = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # takes effect if the reaper itself is killed
        if os.getppid() != reaper_pid:
            os._exit(_CANNOT_START)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        null_input = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null_input, 0)
        os.execvp(command[0], command)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(_CANNOT_START)
    return 0


def _wait_for_end(child: int, wake_read: int) -> int | None:
    """Wait until the child ends, trayalert ends, or the reaper gets SIGTERM.

    Return the child's exit status if the child has ended, else None.
    """
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
            _signal(pid, signal.SIGCONT)  # a stopped process would not react to SIGTERM
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
    """Return the process ids of all descendants of this process.

    On systems other than Linux, return the negative id of this process's group if any child is alive. `os.kill` with
    a negative id signals the whole group.
    """
    if sys.platform != "linux":
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return set()
        return {-os.getpgrp()}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - importing pathlib would cost more than everything else here
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
