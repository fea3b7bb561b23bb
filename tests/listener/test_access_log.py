"""The access log: what each line contains, what no line contains, and how little the log costs."""

import asyncio
import os
import re
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.listener.raw_connection import SECRET, listening, request
from trayalert.listener.access_log import LARGEST_FILE, WRITE_INTERVAL, AccessLog, AccessLogEntry

CALLBACK = AccessLogEntry(1_700_000_000_250, "1.2.3.4", "POST", "hook", "default", 200, 512, 0.0013)
STRANGER = AccessLogEntry(1_700_000_000_250, "1.2.3.4", "GET", "-", "", 404, 0, 0.0002)


async def test_each_request_is_one_line_without_path_query_or_secret(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    async with listening(access_log=log) as server:
        await server.send(request("POST", f"/hook/{SECRET}?token=hidden", "Referer: hidden", body=b"hidden"))
        await server.send(request("GET", "/hook/hidden"))
        await server.send(b"\x16\x03\x01 hidden\r\n\r\n")
    log.close()

    content = tmp_path.joinpath("access.log").read_text()
    assert SECRET not in content
    assert "hidden" not in content
    lines = [re.sub(r"^\S+Z|[0-9.]+$", "*", line) for line in content.splitlines()]
    assert lines == [
        "* 127.0.0.1 POST hook default 200 6 *",
        "* 127.0.0.1 GET - - 404 0 *",
        "* 127.0.0.1 - - - 400 0 *",
    ]
    assert stat.S_IMODE(tmp_path.joinpath("access.log").stat().st_mode) == 0o600


async def test_a_line_says_when_who_what_and_how_long(tmp_path: Path) -> None:
    assert CALLBACK.line() == "2023-11-14T22:13:20.250Z 1.2.3.4 POST hook default 200 512 1.3\n"
    assert CALLBACK._replace(sender="\x1b[31m\n").line().split()[1:3] == ["[31m", "POST"]


async def test_lines_are_written_within_a_second_or_so_and_nothing_stays_awake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    call_later, delays = loop.call_later, list[float]()

    def record(delay: float, *what: Any, **more: Any) -> asyncio.TimerHandle:
        delays.append(delay)
        return call_later(delay, *what, **more)

    monkeypatch.setattr(loop, "call_later", record)
    log = AccessLog(tmp_path / "access.log")
    log.add(CALLBACK)
    assert not tmp_path.joinpath("access.log").exists()

    async with asyncio.timeout(WRITE_INTERVAL + 2):
        while not tmp_path.joinpath("access.log").exists():  # noqa: ASYNC110 - a thread creates the file
            await asyncio.sleep(0.02)
    assert delays.count(WRITE_INTERVAL) == 1  # no further timer is started after the write
    log.close()


async def test_a_flood_of_strangers_is_counted_and_not_listed(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    for _ in range(10_000):
        log.add(STRANGER)
    log.add(CALLBACK)
    log.close()

    lines = tmp_path.joinpath("access.log").read_text().splitlines()
    assert len(lines) == 52
    assert lines[-2].endswith(" hook default 200 512 1.3")
    assert lines[-1].endswith("Z ... 9950 more from strangers not listed")


async def test_it_rotates_and_keeps_one_old_file(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log")
    for _ in range(3):
        for _ in range(9000):
            log.add(CALLBACK)
        log.close()

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"access.log", "access.log.1"}
    assert max(sizes.values()) <= LARGEST_FILE


async def test_a_disk_that_takes_nothing_costs_lines_and_no_callback(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "no" / "folder" / "access.log")
    for _ in range(10):
        log.add(CALLBACK)
    log.close()

    assert log.lost == 10


@pytest.mark.alone
async def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "access.log"
    os.mkfifo(pipe)  # opening a FIFO for writing blocks until another process or thread opens it for reading
    log = AccessLog(pipe, write_interval=0, most_pending=100, join_timeout=0.05)
    log.add(CALLBACK)
    async with asyncio.timeout(5):
        while not _writing():  # noqa: ASYNC110 - no event says that the thread has started to write
            await asyncio.sleep(0)
    begun = time.monotonic()
    for _ in range(1000):
        log.add(CALLBACK)
    log.close()

    assert time.monotonic() - begun < 0.5
    assert log.lost == 900
    descriptor = os.open(pipe, os.O_RDWR)
    for thread in _writing():
        thread.join(5)
    assert os.read(descriptor, 65536).count(b"\n") == 101
    os.close(descriptor)


def _writing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "access log"]
