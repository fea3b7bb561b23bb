"""Lets strangers send broken and hostile HTTP to the listener, while real alerts must still be stored."""

import asyncio
import socket
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.soak.harness.instance import Instance, started
from tests.soak.harness.steady import SteadyResult, meanwhile
from tests.soak.listener.raw_cases import CASES, Action, Case, Script

CLOSED_WITHIN = 8.0
PATIENCE = 14.0
"""Seconds after which an open connection counts as a connection that the listener never closes."""
EVERY = 0.04
"""Seconds between two cases. The strangers then connect all the time, but are not a flood."""

Bodies = Callable[[], Iterable[bytes]]


@dataclass(slots=True)
class CaseResult:
    """The result of one case. `open_for` is the number of seconds until the listener closed the connection."""

    case: Case
    mark: bytes
    open_for: float
    answer: bytes
    stored: int = 0

    @property
    def right(self) -> bool:
        return self.stored in self.case.stored and self.open_for <= CLOSED_WITHIN


@dataclass(slots=True)
class Outcome:
    """The result of all cases.

    `logged` is the growth of the log files in bytes, and `grown` is the growth of the program's memory in MB.
    """

    results: list[CaseResult]
    strays: int
    """Number of stored deliveries that come neither from a case nor from the real sender."""
    steady: SteadyResult
    logged: int
    leaks: list[str] = field(default_factory=list)
    """The names of log files that contain the secret, and of cases whose answer contains the secret."""
    grown: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return [
            f"{one.case.name}: stored {one.stored}, open for {one.open_for:.1f} s, answered {one.answer[:40]!r}"
            for one in self.results
            if not one.right
        ]


async def play_all(url: str, cases: Iterable[Case], patience: float) -> list[CaseResult]:
    """Play all cases, and return their results.

    All cases with pauses are played at the same time. The other cases start one after the other.
    """
    path = urlsplit(url).path.encode()
    made = [(case, b"mark%08d" % number, case.build(path, b"mark%08d" % number)) for number, case in enumerate(cases)]

    async def play_later(place: int, case: Case, mark: bytes, script: Script) -> CaseResult:
        if not any(isinstance(step, float) for step in script):
            await asyncio.sleep(place * EVERY)
        return await _play(url, case, mark, script, patience)

    return list(await asyncio.gather(*(play_later(place, *one) for place, one in enumerate(made))))


async def _play(url: str, case: Case, mark: bytes, script: Script, patience: float) -> CaseResult:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    begun = time.monotonic()
    received: list[bytes] = []
    reading = asyncio.Event()
    if Action.NO_READING not in script:
        reading.set()

    async def listen() -> None:
        await reading.wait()
        while content := await reader.read(1 << 16):
            received.append(content)

    listening = asyncio.create_task(listen())
    writing = asyncio.create_task(_write_script(writer, script, received))
    try:
        async with asyncio.timeout(patience):
            if not reading.is_set():  # leave responses unread for a while, then read until the listener closes
                await asyncio.wait([writing], timeout=CLOSED_WITHIN - 1)
                reading.set()
            await listening
    except (OSError, TimeoutError):
        pass
    result = CaseResult(case, mark, time.monotonic() - begun, b"".join(received))
    for task in (listening, writing):
        task.cancel()
    await asyncio.gather(listening, writing, return_exceptions=True)
    writer.transport.abort()
    return result


async def _write_script(writer: asyncio.StreamWriter, script: Script, received: list[bytes]) -> None:
    for step in script:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case float():
                await asyncio.sleep(step)
            case Action.HALF_CLOSE:
                writer.write_eof()
            case Action.RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            case Action.LISTEN:
                while not received:  # noqa: ASYNC110 - another task adds to the list, without an event
                    await asyncio.sleep(0.001)


def play_cases(
    instance: Instance, cases: Iterable[Case] = CASES, *, bodies: Bodies | None = None, patience: float = PATIENCE
) -> Outcome:
    """Play the cases while real alerts are sent, and return the outcome.

    `bodies` returns everything that the server has accepted. If `bodies` is None, the deliveries in the log are used.
    """
    memory = instance.memory
    logged = instance.logged
    with meanwhile(instance.url) as steady:
        results = asyncio.run(play_all(instance.url, cases, patience))
    found = list((bodies or (lambda: deliveries(instance)))())
    strays = 0
    for content in found:
        owners = [one for one in results if one.mark in content]
        for one in owners:
            one.stored += 1
        strays += not owners and b"i-steady" not in content and content != b""
    secret = instance.secret.encode()
    leaks = [path.name for path in instance.log_files if secret in path.read_bytes()]
    leaks += [one.case.name for one in results if secret in one.answer]
    return Outcome(results, strays, steady, instance.logged - logged, leaks, instance.memory - memory)


def deliveries(instance: Instance) -> list[bytes]:
    """Return the query and the body of each delivery. The query does not use trayalert's code."""
    with closing(sqlite3.connect(f"{(instance.data_dir / 'trayalert.db').as_uri()}?mode=ro", uri=True)) as connection:
        return [query + body for query, body in connection.execute("SELECT query, body FROM delivery")]


def measure_raw_http(folder: Path) -> list[Figure]:
    with started(folder) as instance:
        outcome = play_cases(instance)
    for line in outcome.wrong:
        print(f"  {line}")
    count = len(outcome.results)
    return [
        Figure("raw HTTP: cases handled wrongly", len(outcome.wrong), "", ("<=", 0), f"of {count}, 8 s to close"),
        Figure("raw HTTP: stray deliveries", outcome.strays, "", ("<=", 0), "requests smuggled in"),
        Figure("raw HTTP: longest open", max(result.open_for for result in outcome.results), "s", ("<", CLOSED_WITHIN)),
        Figure("raw HTTP: real alerts refused", outcome.steady.refused, "", ("<=", 0), f"of {outcome.steady.sent}"),
        Figure("raw HTTP: real alerts, p99", outcome.steady.p99, "ms", ("<", 50), outcome.steady.beside),
        Figure("raw HTTP: logs grew", outcome.logged / count, "bytes a case", ("<", 1000)),
        Figure("raw HTTP: secret found in logs", len(outcome.leaks), "files", ("<=", 0)),
        Figure("raw HTTP: memory grew", outcome.grown, "MB", ("<", 30), "resident"),
    ]
