"""Plays Cloud Monitor in a separate process: `python -m tests.soak.harness.steady URL RATE SECONDS YARDSTICK`.

The process sends RATE callbacks per second. Each callback uses a new connection, and is sent on time even if earlier
callbacks are still waiting for their answers. The process ends after SECONDS. If SECONDS is 0, the process ends when
its stdin closes.

YARDSTICK is the URL of a bare handler, which gets requests at the same time. How long the bare handler takes shows how
much of a delay is due to the computer. At the end, the process prints one line of JSON: how often each status came (0
if there was no answer), and the milliseconds until each 200 and until each answer of the bare handler.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from tests.bench.figures import percentile
from tests.soak.harness.load import FORM, alert


@dataclass(slots=True)
class SteadyResult:
    """The answers. `statuses` says how often each status came, and `lengths` has the milliseconds until each 200."""

    statuses: dict[str, int] = field(default_factory=dict)
    lengths: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    """Milliseconds until each answer of the bare handler."""

    @property
    def all_accepted(self) -> bool:
        return set(self.statuses) == {"200"}

    @property
    def refused(self) -> int:
        return self.sent - self.statuses.get("200", 0)

    @property
    def p99(self) -> float:
        """The 99th percentile of `lengths`, in milliseconds."""
        return percentile(self.lengths, 0.99)

    @property
    def bare_p99(self) -> float:
        """The 99th percentile of `bare`, in milliseconds."""
        return percentile(self.bare, 0.99)

    @property
    def beside(self) -> str:
        """A note for the table of figures, which states the p99 of the bare handler."""
        return f"a bare handler at the same time: {self.bare_p99:.3g} ms"

    @property
    def late(self) -> float:
        """Milliseconds by which the p99 exceeds the bare handler's p99 at the same time on the same computer."""
        return max(0.0, self.p99 - self.bare_p99)

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())


async def ask(url: str, body: bytes, *, deadline: float = 10.0) -> int:
    """Send one callback over a new connection. Return the status of the answer, or 0 if no answer comes in time."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(head.encode() + body)
                return int((await reader.readuntil(b"\r\n")).split(b" ")[1])
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, ValueError, IndexError):
        return 0


async def _send(url: str, rate: float, seconds: float, yardstick: str) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    if not seconds:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    statuses: Counter[int] = Counter()
    lengths: list[float] = []
    bare: list[float] = []

    async def one(number: int, at: float) -> None:
        status = await ask(url, alert(f"i-steady-{number}"))
        statuses[status] += 1
        if status == 200:
            lengths.append((loop.time() - at) * 1000)

    async def measure() -> None:
        begun = loop.time()
        await ask(yardstick, alert("i-bare"))
        bare.append((loop.time() - begun) * 1000)

    begun = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)) if seconds else count():
            at = begun + number / rate
            await asyncio.sleep(max(0.0, at - loop.time()))
            if ended.is_set():
                break
            tasks.create_task(one(number, loop.time()))
            if number % max(1, int(rate / 25)) == 0:
                tasks.create_task(measure())
    print(json.dumps({"statuses": statuses, "lengths": lengths, "bare": bare}), flush=True)


@contextmanager
def meanwhile(url: str, *, rate: float = 50, seconds: float = 0) -> Iterator[SteadyResult]:
    """Send `rate` callbacks per second, from another process, while the block runs.

    If `seconds` is not 0, send for that time instead, even if the block ends earlier. The result is filled in when the
    context manager exits.
    """
    with bare_handler() as yardstick:
        command = [sys.executable, "-m", "tests.soak.harness.steady", url, str(rate), str(seconds), yardstick]
        result = SteadyResult()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield result
                found = json.loads(process.communicate(timeout=seconds + 30)[0])
                result.statuses, result.lengths, result.bare = found["statuses"], found["lengths"], found["bare"]
            finally:
                process.kill()


@contextmanager
def bare_handler() -> Iterator[str]:
    """Run an HTTP handler that reads and parses callbacks but stores nothing. Yield the URL for callbacks."""
    with subprocess.Popen([sys.executable, "-m", "tests.bench.bare"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1] + "/hook/bare"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_send(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
