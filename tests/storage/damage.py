"""Functions that make logs of many deliveries, and functions that damage logs."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.storage.making import NOON, append, raw_callback, read, writing
from trayalert.storage.writer.appender import Append

PAGE = 4096


def big_log(path: Path, count: int = 2001, *, wal: bool = False, long: int = 0) -> None:
    """Make a log of `count` deliveries.

    All deliveries are in the database file, or with `wal`, the last third is only in the `-wal`.
    """
    with writing(path) as log:
        done = 0
        for upto in (count * 2 // 3, count) if wal else (count,):
            while done < upto:
                some = range(done, min(done + 200, upto))
                results = log.commit([job(number, long=long) for number in some])
                assert not any(isinstance(result, Exception) for result in results), results
                done += len(some)
            if upto < count:
                with closing(sqlite3.connect(path)) as other:
                    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if wal:
            content = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    if wal:  # restores the files as they were before the log was closed, as a kill would leave them
        for end, left in content.items():
            path.with_name(path.name + end).write_bytes(left)


def job(number: int, *, long: int = 0) -> Append:
    if long and number % long == 0:
        return read(raw_callback(b"%d " % number + b"x" * 20_000, came=NOON + number))
    return append(f"i-{number % 97}", at=NOON + number)


def leaves(path: Path) -> list[int]:
    """Return the numbers of the pages that contain deliveries and nothing else."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
        try:
            found = other.execute("SELECT pageno FROM dbstat WHERE name = 'delivery' AND pagetype = 'leaf'").fetchall()
            return [number for (number,) in found]
        except sqlite3.Error:
            pass
    content = path.read_bytes()
    return [
        number + 1
        for number in range(1, len(content) // PAGE)
        if content[number * PAGE] == 0x0D and b"alertState=ALERT" in content[number * PAGE : number * PAGE + PAGE]
    ]


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def overwrite_page(path: Path, number: int, *, seed: int = 7) -> None:
    overwrite(path, (number - 1) * PAGE, random.Random(seed).randbytes(PAGE))
