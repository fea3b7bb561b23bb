"""Strangers at the listener: broken and hostile HTTP, while real alerts must come through."""

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
"""Seconds after which a connection that is still open is taken for one that never closes."""
EVERY = 0.04
"""Seconds between two cases: strangers come all the time, and the proof is about what they say."""

Bodies = Callable[[], Iterable[bytes]]


@dataclass(slots=True)
class CaseResult:
    """How one case went. `open_for`: seconds until the listener closed the connection."""

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
    """How all went."""

    results: list[CaseResult]
    strays: int
    """Deliveries that neither a case nor a real sender meant."""
    steady: SteadyResult
    logged: int
    leaks: list[str] = field(default_factory=list)
    """Files and answers with the secret in them."""
    grown: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return [
            f"{one.case.name}: stored {one.stored}, open for {one.open_for:.1f} s, answered {one.answer[:40]!r}"
            for one in self.results
            if not one.right
        ]


async def play_all(url: str, cases: Iterable[Case], patience: float) -> list[CaseResult]:
    """Play all cases: those that take their time at once, the others one after the other."""
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
            if not reading.is_set():  # its answers pile up; what is open at the end shows then
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
                while not received:  # noqa: ASYNC110 - filled by a task that knows of no one
                    await asyncio.sleep(0.001)


def play_cases(
    instance: Instance, cases: Iterable[Case] = CASES, *, bodies: Bodies | None = None, patience: float = PATIENCE
) -> Outcome:
    """Play the cases while real alerts come, and judge. `bodies` returns what was received, else the log's rows."""
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
    """Return query and body of all deliveries, as a program finds them that knows nothing of ours."""
    with closing(sqlite3.connect(f"{(instance.data_dir / 'trayalert.db').as_uri()}?mode=ro", uri=True)) as connection:
        return [query + body for query, body in connection.execute("SELECT query, body FROM delivery")]


def measure_raw_http(folder: Path) -> list[Figure]:
    """Figures of `make soak`."""
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
