"""The log as the receiver sees it: jobs go to one writer thread, which commits all that wait in one go.

A lone job is committed at once; while one commit syncs, the next group gathers. No timer gathers a group. The log
begins with whatever fault the disk has; while there is one, the writer tries again by itself.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, LogChanged
from trayalert.domain.log_state import LogState
from trayalert.storage.faults import NotStored
from trayalert.storage.writer.appender import Append, Readings
from trayalert.storage.writer.log_status import Bulletin
from trayalert.storage.writer.writer import Events, Job, Writing

_LARGEST_GROUP = 512
_LONGEST_QUEUE = 4096
_HANDFUL = 8
"""So many jobs are handed over before the loop's turn is over, so that the disk works while the loop reads on."""

_LOOK_FIRST = 5.0
_LOOK = 15.0
"""Seconds from one look at the file and its disk to the next."""

_TRY_AGAIN = 2.0
"""The same while there is a fault, or the file is being looked over."""

_LONGEST_END = 10.0
"""Seconds that the end waits for a disk that hangs. Nobody was told that what still waits there is stored."""

_logger = logging.getLogger(__name__)

_SLOW = (
    "the disk of the log is slow: callbacks waited longer than {:g} s and were refused (503); Cloud Monitor comes "
    "again up to 3 times. Look what keeps the disk busy."
)

_OWN_FAULT = (
    "a callback was refused (503) by a fault of trayalert's own: {}. Cloud Monitor comes again up to 3 times. Restart "
    "trayalert; if that does not help, send its makers what `trayalert diagnostics` gathers."
)

_Waiting = tuple[Job, "asyncio.Future[Events]"]


class Log:
    """Made, used and closed on one asyncio loop. `announce` is called there with the events of each group."""

    def __init__(
        self,
        path: Path,
        *,
        read: Readings,
        keep_raw: Readings,
        announce: Callable[[list[Event]], None],
        deadline: float = 4.0,
    ) -> None:
        """Open the file. `deadline`: seconds that a job may wait. Raise OtherVersion; other faults are in `state`."""
        self._writing = Writing(path, read=read, keep_raw=keep_raw, patient=True)
        self._announce = announce
        self._bulletin = Bulletin(lambda state: self._announce([LogChanged(state)]))
        self._told = self._writing.condition
        self._bulletin.hear(self._told)
        self._refusing: str | None = None
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._gathered: list[_Waiting] = []
        self._deadline = deadline
        self._watched: deque[tuple[float, asyncio.Future[Events]]] = deque()
        self._watcher: asyncio.TimerHandle | None = None
        self._waiting = 0
        self._closing = False
        self._suspect = False
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    @property
    def state(self) -> LogState:
        """How the log is now; each change is announced as LogChanged."""
        return self._bulletin.state

    def set_problem(self, part: str, sentence: str | None) -> None:
        """Tell a problem of some part of the program that works on the log; None takes it away. On the loop."""
        self._bulletin.set_problem(part, sentence)

    def set_news(self, part: str, sentence: str | None) -> None:
        """Tell what some part did to the log; None takes it away. On the loop."""
        self._bulletin.set_news(part, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """A former log is being read over, or is no more. On the loop."""
        self._bulletin.set_salvaging(salvaging)

    async def do(self, job: Job) -> Events:
        """Return once the job is synced to disk. Raise NotStored; a caller that leaves does not stop the job."""
        if self._closing:
            raise NotStored("the log is closing")
        if self._waiting >= _LONGEST_QUEUE:
            raise NotStored(f"{self._waiting} callbacks wait for the disk already")
        future: asyncio.Future[Events] = self._loop.create_future()
        self._waiting += 1
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append((job, future))
        if len(self._gathered) == _HANDFUL:
            self._hand_over()
        self._watch(future)
        return await future

    def _hand_over(self) -> None:
        """Give the writer all that this turn of the loop has brought."""
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def _watch(self, future: "asyncio.Future[Events]") -> None:
        """See to it that nobody waits longer than the deadline. One timer serves all: a timer each costs too much."""
        now = self._loop.time()
        while self._watched and self._watched[0][1].done():
            self._watched.popleft()
        self._watched.append((now + self._deadline, future))
        if self._watcher is None:
            self._watcher = self._loop.call_later(self._deadline, self._give_up_late)

    def _give_up_late(self) -> None:
        now = self._loop.time()
        while self._watched and (self._watched[0][1].done() or self._watched[0][0] <= now):
            future = self._watched.popleft()[1]
            if not future.done():
                self._set_refusing(_SLOW.format(self._deadline))
                future.set_exception(NotStored(f"the disk took longer than {self._deadline:g} s"))
        self._watcher = None
        if self._watched:
            self._watcher = self._loop.call_at(self._watched[0][0], self._give_up_late)

    async def close(self) -> None:
        """Write what waits, then close the file. May be called twice."""
        if not self._closing:
            self._closing = True
            if self._gathered:
                self._hand_over()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join, _LONGEST_END)
        if self._thread.is_alive():
            _logger.error("the disk does not come to an end with the log; trayalert ends without it")
        if self._watcher is not None:
            self._watcher.cancel()

    def verify(self) -> None:
        """Look the file over, because somebody could not read it; damage is found, told and mended by and by."""
        if not self._closing:
            self._suspect = True
            self._queue.put([])

    def _set_refusing(self, sentence: str | None) -> None:
        self._refusing = sentence
        self._bulletin.set_refusing(sentence)

    def _write(self) -> None:
        """Run the writer thread."""
        look_at = time.monotonic() + _LOOK_FIRST
        open_ = True
        self._commit([])  # with it goes what the program before was cut off at
        self._say()
        while open_:
            group, open_ = self._gather(max(0.0, look_at - time.monotonic()))
            for start in range(0, len(group), _LARGEST_GROUP):
                some = group[start : start + _LARGEST_GROUP]
                results = self._commit([job for job, _ in some])
                self._say()
                self._loop.call_soon_threadsafe(self._settle, some, results)
            if open_ and (self._suspect or time.monotonic() >= look_at):
                self._look()
                look_at = time.monotonic() + _LOOK
            if self._writing.condition.problem or self._refusing or self._writing.verifying:
                look_at = min(look_at, time.monotonic() + _TRY_AGAIN)
        self._writing.close()

    def _gather(self, seconds: float) -> tuple[list[_Waiting], bool]:
        """Wait so long for jobs; return all that wait, and whether there will be more."""
        group: list[_Waiting] = []
        try:
            brought = self._queue.get(timeout=seconds)
        except queue.Empty:
            return [], True
        while brought is not None:
            group += brought
            if len(group) >= _LARGEST_GROUP or self._queue.empty():
                return group, True
            brought = self._queue.get()
        return group, False

    def _look(self) -> None:
        """Look after the file in a quiet moment."""
        try:
            if self._suspect:
                self._suspect = False
                self._writing.verify()
            if self._refusing:
                begun = time.monotonic()
                if self._writing.probe() and time.monotonic() - begun < self._deadline / 2:
                    self._loop.call_soon_threadsafe(self._set_refusing, None)
            self._writing.look()
        except Exception:
            _logger.exception("the log's writer failed")
        self._say()

    def _say(self) -> None:
        """Tell the loop how the writer is, where that has changed, and what it took over."""
        if self._writing.taken_over:
            self._loop.call_soon_threadsafe(self._announce, list(self._writing.taken_over))
            self._writing.taken_over = ()
        if self._writing.condition is not self._told:
            self._told = self._writing.condition
            self._loop.call_soon_threadsafe(self._bulletin.hear, self._told)

    def _commit(self, jobs: list[Job]) -> list[Events | Exception]:
        try:
            return self._writing.commit(jobs)
        except Exception as error:  # the thread must outlive a bug of ours: each job is told, and 503 goes out
            _logger.exception("the log's writer failed")
            return [NotStored(f"the log's writer failed: {error!r}")] * len(jobs)

    def _settle(self, group: list[_Waiting], results: list[Events | Exception]) -> None:
        """Tell who waits, then everybody. On the loop."""
        self._waiting -= len(group)
        news: list[Event] = []
        in_time = False
        for (_, future), result in zip(group, results, strict=True):
            if not isinstance(result, Exception):
                news += result
            if future.done():
                continue  # the sender has gone; what was stored is told all the same
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                in_time = True
                future.set_result(result)
        self._tell_own_fault(
            [result for (job, _), result in zip(group, results, strict=True) if isinstance(job, Append)]
        )
        if in_time and self._refusing:
            self._set_refusing(None)
        if news:
            self._announce(news)

    def _tell_own_fault(self, results: list[Events | Exception]) -> None:
        """Tell that callbacks are refused though the disk is well: what it is not would be told by now."""
        refused = [result for result in results if isinstance(result, Exception)]
        if refused and self.state.storing:
            sentence = _OWN_FAULT.format(refused[0])
            self._bulletin.set_news("own fault", sentence)
            if len(refused) == len(results):
                self._set_refusing(sentence)
