"""Makes callbacks and logs for tests with the program's own code."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from trayalert.callbacks import unrecognised
from trayalert.callbacks.kinds import read_callback
from trayalert.callbacks.parsing.body import Body
from trayalert.domain.callback import Callback
from trayalert.domain.events import Event
from trayalert.domain.incident.alert import Alert
from trayalert.storage.file.log_file import LogFileTiming
from trayalert.storage.log import Log
from trayalert.storage.reader import Reader
from trayalert.storage.writer.appender import Append, CallbackParser
from trayalert.storage.writer.writer import Writer

NOON = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE


def callback(
    resource: str = "i-1", *, at: int | None = NOON, came: int | None = None, query: bytes = b"", **fields: str
) -> Callback:
    """Return a threshold callback, which is received at its event time, unless `came` is given."""
    body = {
        "userId": "1",
        "ruleId": "rule-1",
        "alertName": "CPU",
        "alertState": "ALERT",
        "triggerLevel": "WARN",
        "metricName": "CPUUtilization",
        "namespace": "acs_ecs",
        "dimensions": f"{{instanceId={resource}, userId=1}}",
        "curValue": "97.5",
        **({} if at is None else {"timestamp": str(at)}),
        **fields,
    }
    return raw_callback(urlencode(body).encode(), came=came if came is not None else at or NOON, query=query)


def raw_callback(body: bytes, *, came: int = NOON, query: bytes = b"") -> Callback:
    return Callback(received_at=came, method="POST", query=query, content_type="text/plain", sender="::1", body=body)


def append(resource: str = "i-1", **fields: Any) -> Append:
    return read(callback(resource, **fields))


def read(one: Callback) -> Append:
    return Append(one, read_callback(one))


def keep_raw(one: Callback) -> tuple[Alert, ...]:
    return unrecognised.read(Body(callback=one, fields={}, document=None))


IMPATIENT = LogFileTiming(busy_timeout=0.001)
"""A commit waits for another program's lock for a millisecond only."""


@contextmanager
def writing(path: Path, **options: Any) -> Iterator[Writer]:
    writer = Writer(path, read=read_callback, keep_raw=keep_raw, **options)
    try:
        yield writer
    finally:
        writer.close()


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    with closing(Reader(path)) as reader:
        yield reader


def store(path: Path, *jobs: Any) -> list[Any]:
    """Do each job in a separate transaction, check that none fails, and return what each job changed."""
    results = []
    with writing(path) as log:
        for job in jobs:
            (result,) = log.commit([job])
            assert not isinstance(result, Exception), result
            results.append(result)
    return results


@asynccontextmanager
async def open_log(
    path: Path,
    *,
    announce: Callable[[list[Event]], None] = lambda _: None,
    keep_raw: CallbackParser = keep_raw,
    **options: Any,
) -> AsyncIterator[Log]:
    log = Log(path, read=read_callback, keep_raw=keep_raw, announce=announce, **options)
    try:
        yield log
    finally:
        await log.close()


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold a write lock on the file, as another program does that takes long to write."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield other
        finally:
            if other.in_transaction:
                other.execute("ROLLBACK")


def rows(path: Path, sql: str, *values: Any) -> list[Any]:
    """Return the result of a query that does not use trayalert's code."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
        return other.execute(sql, values).fetchall()


@contextmanager
def seen_connections(*, read_only: bool = False) -> Iterator[list[sqlite3.Connection]]:
    """Collect the connections to a log that are opened while the block runs.

    Only connections that can write are collected, or with `read_only`, only connections that cannot.
    """
    connect, seen = sqlite3.connect, list[sqlite3.Connection]()

    def note(*args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **named)
        if named.get("uri", False) == read_only:  # read-only connections are opened with a URI
            seen.append(connection)
        return connection

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite3, "connect", note)
        yield seen


def limit_pages(connection: sqlite3.Connection, *, more: int) -> None:
    """Limit the growth of the file to `more` pages.

    If the file would grow more, SQLite reports that the disk is full.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + more}")


def verifying() -> bool:
    """Return whether a log is being verified in this process."""
    return any(thread.name == "verification" for thread in threading.enumerate())


async def until(condition: Callable[[], object], *, deadline: float = 5.0) -> None:
    """Let the event loop run until the condition holds."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 - no event says what another thread has done
            await asyncio.sleep(0.001)


def ids(found: Sequence[Any] | Iterator[Any]) -> list[int]:
    return [getattr(one, "incident", one).id for one in found]
