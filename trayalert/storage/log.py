"""The log as the receiver sees it: jobs go to one writer thread, which commits all that wait in one go.

A lone job is committed at once; while one commit syncs, the next group gathers. There is no timer.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.alert import Alert
from trayalert.domain.callback import Callback
from trayalert.domain.events import Event
from trayalert.storage.faults import NotStored
from trayalert.storage.writing import Events, Job, Writing

_LARGEST_GROUP = 512
_LONGEST_QUEUE = 4096

_logger = logging.getLogger(__name__)

_Waiting = tuple[Job, "asyncio.Future[Events]"]


class Log:
    """Made, used and closed on one asyncio loop. `announce` is called there with the events of each group."""

    def __init__(
        self,
        path: Path,
        *,
        keep_raw: Callable[[Callback], tuple[Alert, ...]],
        announce: Callable[[list[Event]], None],
    ) -> None:
        """Open the file. Raise LogFault where that cannot be."""
        self._writing = Writing(path, keep_raw=keep_raw)
        self._announce = announce
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting = 0
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    async def do(self, job: Job) -> Events:
        """Return once the job is synced to disk. Raise NotStored; a cancelled caller does not stop the job."""
        if self._closing:
            raise NotStored("the log is closing")
        if self._waiting >= _LONGEST_QUEUE:
            raise NotStored(f"{self._waiting} callbacks wait for the disk already")
        future: asyncio.Future[Events] = self._loop.create_future()
        self._waiting += 1
        self._queue.put((job, future))
        return await future

    async def close(self) -> None:
        """Write what waits, then close the file. May be called twice."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _write(self) -> None:
        """Run the writer thread."""
        open_ = True
        while open_:
            group: list[_Waiting] = []
            item = self._queue.get()
            while item is not None:
                group.append(item)
                if len(group) == _LARGEST_GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            open_ = item is not None
            if group:
                results = self._commit([job for job, _ in group])
                futures = [future for _, future in group]
                self._loop.call_soon_threadsafe(self._settle, futures, results)
        self._writing.close()

    def _commit(self, jobs: list[Job]) -> list[Events | Exception]:
        try:
            return self._writing.commit(jobs)
        except Exception as error:  # the thread must outlive a bug of ours: each job is told, and 503 goes out
            _logger.exception("the log's writer failed")
            return [NotStored(f"the log's writer failed: {error!r}")] * len(jobs)

    def _settle(self, futures: list["asyncio.Future[Events]"], results: list[Events | Exception]) -> None:
        """Tell who waits, then everybody. On the loop."""
        self._waiting -= len(futures)
        news: list[Event] = []
        for future, result in zip(futures, results, strict=True):
            if not isinstance(result, Exception):
                news += result
            if future.done():
                continue  # the sender has gone; what was stored is told all the same
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        if news:
            self._announce(news)
