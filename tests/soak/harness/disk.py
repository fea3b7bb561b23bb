"""Simulates a disk that fails on command, for any program on Linux.

A preloaded library intercepts the program's file operations, and `Disk` controls the library. The program itself is not
changed, but must be started with the environment variables that `Disk.environment` returns.
"""

import hashlib
import mmap
import os
import random
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

PAGE = 4096

FIELDS = (
    "write_error", "sync_error", "read_error", "sync_delay_ms", "room", "kill_at_write", "kill_at_sync",
    "kill_at_step", "writes", "syncs", "steps",
)  # fmt: skip
_SIZE = 8 * len(FIELDS) + 40


def library() -> Path:
    """Build the library that must be preloaded, and return its path."""
    return built(Path(__file__).with_name("disk.c"))


@cache
def built(source: Path) -> Path:
    """Build a shared library from a C source file, and return the library's path.

    The library's name contains a digest of the source. All tests on this computer use the same library, until the
    source changes.
    """
    name = hashlib.blake2b(source.read_bytes(), digest_size=8).hexdigest()
    built = Path(tempfile.gettempdir()) / f"trayalert-tests-{os.getuid()}" / f"{source.stem}-{name}.so"
    if not built.exists():
        built.parent.mkdir(mode=0o700, exist_ok=True)
        part = built.with_name(f"{built.name}.{os.getpid()}")
        flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
        subprocess.run(["cc", *flags, "-o", part, source], check=True)
        part.replace(built)
    return built


class Disk:
    """The simulated disk, which holds the files under `folder`.

    The simulation's own files are in `own`, a folder outside `folder` but on the same file system. If `power_cuts` is
    true, the simulation keeps a copy of everything that was synced, and `cut_power` replaces `folder` with that copy.
    """

    def __init__(self, folder: Path, own: Path, *, power_cuts: bool = False) -> None:
        self.folder = folder.resolve()
        own.mkdir(parents=True, exist_ok=True)
        self._shadow = own / "shadow" if power_cuts else None
        self._path = own / "control"
        self._path.write_bytes(bytes(_SIZE))
        with self._path.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), _SIZE)
        self.set(room=-1)
        self._forget()

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which the program under test must be started."""
        variables = {
            "LD_PRELOAD": str(library()),
            "TESTDISK_FOLDER": str(self.folder),
            "TESTDISK_CONTROL": str(self._path),
        }
        return variables | ({"TESTDISK_SHADOW": str(self._shadow)} if self._shadow else {})

    def set(self, **numbers: int) -> None:
        """Set some of the numbers that control the disk. A change takes effect immediately, even in a running program.

        - `write_error`, `sync_error`, `read_error`: the errno with which each write, sync or read fails, or 0 if none
          fails.
        - `sync_delay_ms`: the number of milliseconds by which each sync takes longer. Also applies to a sync that has
          already begun.
        - `room`: the number of bytes by which all files together may still grow, or -1 if there is no limit.
        - `kill_at_write`: the number of the write in the middle of which the program gets a SIGKILL, or 0 for none.
        - `kill_at_sync`, `kill_at_step`: the number of the sync or step before which the program gets a SIGKILL, or 0.
        - `writes`, `syncs`, `steps`: the number of writes, syncs and steps so far. A step is any write, sync, new file,
          rename, unlink or truncate.
        """
        for name, number in numbers.items():
            struct.pack_into("=q", self._control, 8 * FIELDS.index(name), number)

    def aim(self, end: str) -> None:
        """Apply the errors only to files whose names end with `end`, or to all files if `end` is empty."""
        self._control[8 * len(FIELDS) :] = end.encode().ljust(40, b"\0")

    def get(self, name: str) -> int:
        """Return the current value of one of the numbers that `set` documents."""
        number: int = struct.unpack_from("=q", self._control, 8 * FIELDS.index(name))[0]
        return number

    def cut_power(self, chance: random.Random | None = None) -> None:
        """Change the folder to what a power cut would leave. The program must have ended.

        Only synced content survives. If `chance` is given, a random part of the pages that were written but not synced
        also survives.
        """
        assert self._shadow
        kept, real = self._shadow, {}
        for path in self.folder.rglob("*"):
            real[path.lstat().st_ino] = path
        after = self.folder.with_name(f"{self.folder.name}.after")
        self._rebuild(self.folder.stat().st_ino, after, real, chance)
        after.chmod(self.folder.stat().st_mode)
        shutil.rmtree(self.folder)
        after.rename(self.folder)
        self._forget()
        assert kept.exists()

    def _rebuild(self, number: int, to: Path, real: dict[int, Path], chance: random.Random | None) -> None:
        assert self._shadow
        to.mkdir(mode=0o700)
        names = self._shadow / f"names-{number}"
        for line in names.read_text().splitlines() if names.exists() else ():
            inode, _, name = line.partition(" ")
            found, synced = real.get(int(inode)), self._shadow / f"file-{inode}"
            if found and found.is_dir():
                self._rebuild(int(inode), to / name, real, chance)
                (to / name).chmod(found.stat().st_mode)
            elif name.endswith("-shm"):
                continue  # SQLite never syncs this file, because SQLite can rebuild it
            elif synced.exists():
                content = synced.read_bytes()
                if chance and found and found.is_file():
                    content = _torn(content, found.read_bytes(), chance)
                (to / name).write_bytes(content)
            elif found and found.is_file():  # the program never opened the file, so its content counts as synced
                shutil.copyfile(found, to / name)
            if found and (to / name).is_file():
                (to / name).chmod(found.stat().st_mode)

    def _forget(self) -> None:
        """Reset the counts, and treat everything that is in the folder now as synced."""
        self.set(kill_at_write=0, kill_at_sync=0, kill_at_step=0, writes=0, syncs=0, steps=0)
        if self._shadow:
            shutil.rmtree(self._shadow, ignore_errors=True)
            self._shadow.mkdir()


def _torn(synced: bytes, written: bytes, chance: random.Random) -> bytes:
    """Return content in which each page is taken at random from the synced or from the written content.

    The choice is random because a disk may write pages in any order.
    """
    length = len(written) if chance.random() < 0.5 else len(synced)
    pages = (
        (written if chance.random() < 0.5 else synced)[start : start + PAGE].ljust(PAGE, b"\0")
        for start in range(0, length, PAGE)
    )
    return b"".join(pages)[:length]
