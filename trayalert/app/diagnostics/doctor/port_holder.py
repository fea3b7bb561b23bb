"""Who has a port, where Linux tells: of processes of others it tells only that there is one."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from trayalert.domain.text import printable

_PROC = Path("/proc")
_LISTENING = "0A"


def port_holder(port: int) -> str | None:
    """Return the name and number of the process that listens on the port; None where that cannot be told."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return None
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it is another user's, or has just ended
            if any(str(each.readlink()) in sockets for each in (process / "fd").iterdir()):
                return f"{printable((process / 'comm').read_text(), limit=40)} (process {process.name})"
    return "a process of another user"


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    yield rest[5]
