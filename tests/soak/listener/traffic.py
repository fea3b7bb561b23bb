"""Proves that trayalert withstands hundreds of slow connections, steady traffic, and a burst of alerts."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.soak.harness.exchange import drip
from tests.soak.harness.instance import Instance, started
from tests.soak.harness.load import alert
from tests.soak.harness.steady import SteadyResult, ask, meanwhile

SLOW, DESCRIPTORS = 600, 512
CLOSED_WITHIN = 10.0
AGAIN_AFTER = 0.5
"""Seconds that a slow sender waits before it connects again. Without this pause, slow senders would be a flood."""
SETTLED = 0.25
"""The program's memory may grow during this fraction of the time, but must not grow afterwards."""


@dataclass(slots=True)
class SlowLoad:
    """The result of the slow connections. `longest` is the number of seconds for which the longest connection was open.

    If the program has not closed a connection within `patience` seconds, the sender closes it. `connections` counts all
    connections, and `logged` is the growth of the log files in bytes.
    """

    patience: float = CLOSED_WITHIN * 2
    connections: int = 0
    longest: float = 0.0
    steady: SteadyResult = field(default_factory=SteadyResult)
    logged: int = 0


def run_slow_load(
    instance: Instance, *, slow: int = SLOW, seconds: float = 15.0, patience: float = CLOSED_WITHIN * 2
) -> SlowLoad:
    """Keep `slow` slow connections open for `seconds`, while real alerts are sent.

    A connection that is closed is replaced with a new connection.
    """
    slow_load, logged = SlowLoad(patience), instance.logged
    with meanwhile(instance.url, rate=25) as slow_load.steady:
        asyncio.run(_all_slow(instance.url, slow, seconds, slow_load))
    slow_load.logged = instance.logged - logged
    return slow_load


async def _all_slow(url: str, slow: int, seconds: float, slow_load: SlowLoad) -> None:
    end = time.monotonic() + seconds
    requests = cycle(_slow_requests(urlsplit(url).path.encode()))
    await asyncio.gather(*(_slow(url, next(requests), number / slow, end, slow_load) for number in range(slow)))


def _slow_requests(path: bytes) -> list[tuple[bytes, bytes]]:
    """Return the requests of five slow senders, two of which know the secret.

    The first part of a request is written at the beginning, and the second part byte by byte.
    """
    head = b"POST " + path + b" HTTP/1.1\r\nHost: a\r\n"
    return [
        (b"", b""),
        (b"", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 20),
        (head, b"X: " + b"a" * 200),
        (head + b"Content-Length: 500\r\n\r\n", b"a" * 499),
        (b"POST /hook/wrong HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n", b"a" * 499),
    ]


async def _slow(url: str, content: tuple[bytes, bytes], after: float, end: float, slow_load: SlowLoad) -> None:
    parts = urlsplit(url)
    await asyncio.sleep(after)  # spread the first connections over one second
    while time.monotonic() < end:
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        slow_load.connections += 1
        begun = time.monotonic()
        head, rest = content
        dripping = asyncio.create_task(drip(writer, head, [bytes([byte]) for byte in rest], 0.5))
        try:
            async with asyncio.timeout(slow_load.patience):
                await reader.read()
        except (OSError, TimeoutError):
            pass
        slow_load.longest = max(slow_load.longest, time.monotonic() - begun)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        writer.transport.abort()
        await asyncio.sleep(AGAIN_AFTER)


@dataclass(slots=True)
class Traffic:
    """The result of steady traffic."""

    steady: SteadyResult
    grown: float
    """MB by which the program's memory has grown after the first quarter of the time."""


def send_steadily(instance: Instance, *, rate: float, seconds: float) -> Traffic:
    """Send `rate` alerts per second for `seconds` seconds, and observe the program's memory."""
    sizes: list[float] = []
    end = time.monotonic() + seconds
    with meanwhile(instance.url, rate=rate, seconds=seconds) as steady:
        while time.monotonic() < end:
            sizes.append(instance.memory)
            time.sleep(seconds / 40)
    settled = max(sizes[: max(1, int(len(sizes) * SETTLED))])
    return Traffic(steady, max(sizes) - settled)


@dataclass(slots=True)
class Burst:
    """The result of a burst: the number of alerts that got a 200, and the seconds until all were answered."""

    accepted: int
    seconds: float


def burst(url: str, *, alerts: int = 5_000, connections: int = 500) -> Burst:
    """Send alerts as fast as the program answers them, over `connections` connections at a time."""
    return asyncio.run(_burst(url, alerts, connections))


async def _burst(url: str, alerts: int, connections: int) -> Burst:
    bodies = iter([alert(f"i-burst-{number}") for number in range(alerts)])
    begun = time.monotonic()
    accepted = sum(await asyncio.gather(*(_lane(url, bodies) for _ in range(connections))))
    return Burst(accepted, time.monotonic() - begun)


async def _lane(url: str, bodies: Iterator[bytes]) -> int:
    return sum([await ask(url, body) == 200 for body in bodies])


def measure_slow(folder: Path) -> list[Figure]:
    with started(folder, descriptors=DESCRIPTORS) as instance:
        slow_load = run_slow_load(instance)
    note = f"{SLOW} at a time, {slow_load.connections} in all, {DESCRIPTORS} descriptors"
    return [
        Figure("slow: real alerts refused", slow_load.steady.refused, "", ("<=", 0), f"of {slow_load.steady.sent}"),
        Figure("slow: real alerts, p99", slow_load.steady.p99, "ms", ("<", 100), slow_load.steady.beside),
        Figure("slow: longest open", slow_load.longest, "s", ("<", CLOSED_WITHIN), note),
        Figure("slow: logs grew", slow_load.logged / 1000, "KB", ("<", 100)),
    ]


def measure_traffic(folder: Path, seconds: float = 60.0) -> list[Figure]:
    with started(folder) as instance:
        traffic = send_steadily(instance, rate=200, seconds=seconds)
        sudden = burst(instance.url)
    steady = traffic.steady
    return [
        Figure("200/s: refused", steady.refused, "", ("<=", 0), f"of {steady.sent}, {seconds:g} s"),
        Figure("200/s: p99", steady.p99, "ms", ("<", 50), steady.beside),
        Figure("200/s: memory grew", traffic.grown, "MB", ("<", 4), "resident, after the first quarter"),
        Figure("burst: refused", 5_000 - sudden.accepted, "", ("<=", 0), "of 5,000 over 500 connections"),
        Figure("burst: all answered after", sudden.seconds, "s", ("<", 5)),
    ]
