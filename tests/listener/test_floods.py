"""The door under floods: real programs, real sockets, few descriptors. Attackers are a process of their own."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.program import Serving, serving

BODY = b"alertName=CPU&alertState=ALERT&ruleId=r-1&timestamp=%d&dimensions=%%7B%%22instanceId%%22%%3A%%22i-%d%%22%%7D"


@contextmanager
def slow_connections(running: Serving, count: int) -> Iterator["subprocess.Popen[str]"]:
    """So many strangers who say a letter a second, and come again when they are hung up on."""
    where = urlsplit(running.address)
    command = [sys.executable, "-m", "tests.listener.slow", str(where.hostname), str(where.port), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attackers:
        assert attackers.stdout
        assert attackers.stdout.readline() == "all are there\n"
        yield attackers
        attackers.kill()


def longest_visit(attackers: "subprocess.Popen[str]") -> float:
    """End them, and return for how many seconds one of them could stay."""
    return float(json.loads(attackers.communicate("end\n", timeout=10)[0]))


def callback(running: Serving, number: int) -> bytes:
    body = BODY % (1_700_000_000_000 + number, number)
    path = urlsplit(running.url).path
    return f"POST {path} HTTP/1.1\r\nHost: door\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(running: Serving, content: bytes) -> int:
    where = urlsplit(running.address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(content)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]) if answer else 0
    finally:
        writer.close()


async def test_a_burst_of_5000_callbacks_over_500_connections_is_all_stored_within_5_s(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        numbers = iter(range(5000))

        async def lane() -> list[int]:
            return [await ask(running, callback(running, number)) for number in numbers]

        begun = time.monotonic()
        lanes = await asyncio.gather(*(lane() for _ in range(500)))
        took = time.monotonic() - begun
    print(f"5000 callbacks over 500 connections in {took:.2f} s")

    assert [status for answers in lanes for status in answers] == [200] * 5000
    assert took < 5


async def test_600_slow_connections_with_512_descriptors_keep_no_alert_out(tmp_path: Path) -> None:
    answers: list[int] = []
    lengths: list[float] = []
    with serving(tmp_path, before=["prlimit", "--nofile=512:512"]) as running:
        with slow_connections(running, 600) as attackers:
            end = time.monotonic() + 8
            while time.monotonic() < end:
                begun = time.monotonic()
                answers.append(await ask(running, callback(running, len(answers))))
                lengths.append(time.monotonic() - begun)
                await asyncio.sleep(0.02)
            longest = longest_visit(attackers)
        counts = running.run("status", "--json").objects[0]["door_counts"]
        done = running.end()
    p99 = sorted(lengths)[int(len(lengths) * 0.99)]
    print(f"{len(answers)} alerts, p99 {p99 * 1000:.1f} ms, longest visit {longest:.1f} s, {counts['evicted']} evicted")

    assert answers == [200] * len(answers)
    assert p99 < 0.1
    assert longest < 8
    assert counts["evicted"] > 100  # or there was room for all, and nothing was shown
    assert len(done.err) < 1000
