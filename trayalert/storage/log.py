"""The log's interface for the event loop. One writer thread runs all jobs, and commits waiting jobs together.

If only one job is waiting, the job is committed without delay. While one commit is being synced, the jobs of the next
commit gather. `Log` can be created even if the disk has a fault. While the fault lasts, the writer thread keeps trying
to use the log.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trayalert.domain.events import Event, LogChanged
from trayalert.domain.log_state import LogState
from trayalert.domain.phrase import N_, Phrase
from trayalert.storage.faults import NotStored
from trayalert.storage.file.log_file import LogFileTiming
from trayalert.storage.writer.appender import Append, CallbackParser
from trayalert.storage.writer.log_status import LogStatus
from trayalert.storage.writer.writer import Events, Job, Writer

_LARGEST_GROUP = 512
_LONGEST_QUEUE = 4096
_BATCH_SIZE = 8
"""As soon as this number of jobs has gathered, the jobs are passed to the writer thread.

The disk then starts to work while the event loop still reads further requests. Fewer jobs are passed to the writer
thread in the event loop's next iteration.
"""

_logger = logging.getLogger(__name__)

_SLOW_DISK = N_(
    "the disk of the log is slow: callbacks waited longer than {seconds:g} s and were refused (503); Cloud Monitor "
    "comes again up to 3 times. Look what keeps the disk busy."
)

_OWN_FAULT = N_(
    "a callback was refused (503) by a fault of trayalert's own: {fault}. Cloud Monitor comes again up to 3 times. "
    "Restart trayalert; if that does not help, send its makers what `trayalert diagnostics` gathers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTiming:
    """Timeouts and intervals for the log, in seconds."""

    deadline: float = 4.0
    """How long `Log.run_job` waits for the commit of its job before it raises NotStored."""
    first_maintenance: float = 5.0
    """How long after the start of the writer thread the file and its disk are checked for the first time."""
    maintenance_interval: float = 15.0
    """Interval between two checks of the file and its disk, while there is no fault and no verification."""
    retry_interval: float = 2.0
    """Interval between two checks of the file and its disk, while there is a fault or a verification."""
    close_timeout: float = 10.0
    """How long `Log.close` waits for the writer thread if the disk hangs.

    If a callback is still not committed after this time, its sender has not received 200.
    """

    file: LogFileTiming = field(default_factory=LogFileTiming)


_PendingJob = tuple[Job, "asyncio.Future[Events]"]


class Log:
    """The log and its writer thread. A `Log` must be created, used and closed on one asyncio event loop.

    `announce` is called on this event loop. It gets the events of each group of jobs, and LogChanged when `state`
    changes. Other parts of the program report their problems and news through `status`, which must also be used on the
    event loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        read: CallbackParser,
        keep_raw: CallbackParser,
        announce: Callable[[list[Event]], None],
        timing: LogTiming = LogTiming(),
    ) -> None:
        """Open the log. Raise OtherVersion if another version of trayalert made it.

        Other faults are reported in `state` and are not raised.
        """
        self._writer = Writer(path, read=read, keep_raw=keep_raw, recover=True, timing=timing.file)
        self._announce = announce
        self.status = LogStatus(lambda state: self._announce([LogChanged(state)]))
        self._reported_state = self._writer.state
        self.status.set_writer_state(self._reported_state)
        self._refusing: str | None = None
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[_PendingJob] | None] = queue.SimpleQueue()
        self._gathered: list[_PendingJob] = []
        self._timing = timing
        self._deadlines: deque[tuple[float, asyncio.Future[Events]]] = deque()
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._pending_count = 0
        self._closing = False
        self._verification_requested = False
        self._thread = threading.Thread(target=self._run_writer, name="log", daemon=True)
        self._thread.start()

    @property
    def state(self) -> LogState:
        """The current state of the log. Each change of the state is announced as LogChanged."""
        return self.status.state

    async def run_job(self, job: Job) -> Events:
        """Run a job on the writer thread. Return the job's events after its commit has been synced to disk.

        Raise NotStored in each of these cases:

        - The job fails.
        - The job is not committed before its deadline.
        - The job is not accepted, because too many jobs are waiting or the log is closing.

        An accepted job is never cancelled, even if its deadline passes or the caller is cancelled. The job may still be
        committed later. The events of the job are then announced as usual.
        """
        if self._closing:
            raise NotStored(Phrase("the log is closing"))
        if self._pending_count >= _LONGEST_QUEUE:
            raise NotStored(Phrase("{count} callbacks wait for the disk already", count=self._pending_count))
        future: asyncio.Future[Events] = self._loop.create_future()
        self._pending_count += 1
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append((job, future))
        if len(self._gathered) == _BATCH_SIZE:
            self._hand_over()
        self._watch_deadline(future)
        return await future

    def _hand_over(self) -> None:
        """Pass the gathered jobs to the writer thread."""
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def _watch_deadline(self, future: "asyncio.Future[Events]") -> None:
        """Make a job's future fail when the job's deadline passes.

        One timer serves all jobs, because a separate timer for each job would take too much CPU time.
        """
        now = self._loop.time()
        while self._deadlines and self._deadlines[0][1].done():
            self._deadlines.popleft()
        self._deadlines.append((now + self._timing.deadline, future))
        if self._deadline_timer is None:
            self._deadline_timer = self._loop.call_later(self._timing.deadline, self._time_out_jobs)

    def _time_out_jobs(self) -> None:
        now = self._loop.time()
        while self._deadlines and (self._deadlines[0][1].done() or self._deadlines[0][0] <= now):
            future = self._deadlines.popleft()[1]
            if not future.done():
                self._set_refusing(Phrase(_SLOW_DISK, seconds=self._timing.deadline))
                reason = Phrase("the disk took longer than {seconds:g} s", seconds=self._timing.deadline)
                future.set_exception(NotStored(reason))
        self._deadline_timer = None
        if self._deadlines:
            self._deadline_timer = self._loop.call_at(self._deadlines[0][0], self._time_out_jobs)

    async def close(self) -> None:
        """Commit the waiting jobs, then close the file.

        This method may be called more than once.
        """
        if not self._closing:
            self._closing = True
            self._hand_over()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join, self._timing.close_timeout)
        if self._thread.is_alive():
            _logger.error("the disk does not come to an end with the log; trayalert ends without it")
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()

    def verify(self) -> None:
        """Request a verification of the file. To be called after a reader has failed.

        The writer thread verifies the file later. It reports and repairs any damage that it finds.
        """
        if not self._closing:
            self._verification_requested = True
            self._queue.put([])

    def _set_refusing(self, sentence: str | None) -> None:
        self._refusing = sentence
        self.status.set_refusing(sentence)

    def _run_writer(self) -> None:
        """Run the writer thread until the log is closed: commit groups of jobs, and check the file between groups."""
        maintain_at = time.monotonic() + self._timing.first_maintenance
        running = True
        self._commit([])  # stores the callbacks of a commit that was cut off when the previous run ended
        self._report()
        while running:
            group, running = self._gather(max(0.0, maintain_at - time.monotonic()))
            for start in range(0, len(group), _LARGEST_GROUP):
                some = group[start : start + _LARGEST_GROUP]
                results = self._commit([job for job, _ in some])
                self._report()
                self._loop.call_soon_threadsafe(self._settle, some, results)
            if running and (self._verification_requested or time.monotonic() >= maintain_at):
                self._maintain()
                maintain_at = time.monotonic() + self._timing.maintenance_interval
            if self._writer.state.problem or self._refusing or self._writer.verifying:
                maintain_at = min(maintain_at, time.monotonic() + self._timing.retry_interval)
        self._writer.close()

    def _gather(self, seconds: float) -> tuple[list[_PendingJob], bool]:
        """Wait up to `seconds` for a job. Return the waiting jobs, and whether the log stays open.

        The log does not stay open after `close` was called.
        """
        group: list[_PendingJob] = []
        try:
            batch = self._queue.get(timeout=seconds)
        except queue.Empty:
            return [], True
        while batch is not None:
            group += batch
            if len(group) >= _LARGEST_GROUP or self._queue.empty():
                return group, True
            batch = self._queue.get()
        return group, False

    def _maintain(self) -> None:
        """Check the file between two groups of jobs.

        If callbacks were refused because of a slow disk or a bug, also make a test write. If the test write is fast,
        remove the refusal from `status`.
        """
        try:
            if self._verification_requested:
                self._verification_requested = False
                self._writer.verify()
            if self._refusing:
                begun = time.monotonic()
                if self._writer.probe() and time.monotonic() - begun < self._timing.deadline / 2:
                    self._loop.call_soon_threadsafe(self._set_refusing, None)
            self._writer.maintain()
        except Exception:
            _logger.exception("the log's writer failed")
        self._report()

    def _report(self) -> None:
        """Pass events and state changes from the writer to the event loop.

        The events are those of callbacks that the writer has recovered from an interrupted write.
        """
        if self._writer.recovered_events:
            self._loop.call_soon_threadsafe(self._announce, list(self._writer.recovered_events))
            self._writer.recovered_events = ()
        if self._writer.state is not self._reported_state:
            self._reported_state = self._writer.state
            self._loop.call_soon_threadsafe(self.status.set_writer_state, self._reported_state)

    def _commit(self, jobs: list[Job]) -> list[Events | Exception]:
        try:
            return self._writer.commit(jobs)
        except Exception as error:  # a bug in trayalert must not end the thread: each job fails, and senders get 503
            _logger.exception("the log's writer failed")
            return [NotStored(Phrase("the log's writer failed: {error}", error=repr(error)))] * len(jobs)

    def _settle(self, group: list[_PendingJob], results: list[Events | Exception]) -> None:
        """Set the result of each job's future, then announce the events of all jobs in the group.

        Runs on the event loop.
        """
        self._pending_count -= len(group)
        news: list[Event] = []
        in_time = False
        for (_, future), result in zip(group, results, strict=True):
            if not isinstance(result, Exception):
                news += result
            if future.done():
                continue  # its deadline has passed, or its caller was cancelled; the events are announced anyway
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                in_time = True
                future.set_result(result)
        self._report_own_fault(
            [result for (job, _), result in zip(group, results, strict=True) if isinstance(job, Append)]
        )
        if in_time and self._refusing:
            self._set_refusing(None)
        if news:
            self._announce(news)

    def _report_own_fault(self, results: list[Events | Exception]) -> None:
        """If callbacks were refused although the disk works, report a bug in trayalert to the user.

        `results` are the results of callbacks. A fault of the disk is already reported in `state`.
        """
        refused = [result for result in results if isinstance(result, Exception)]
        if refused and self.state.storing:
            sentence = Phrase(_OWN_FAULT, fault=refused[0])
            self.status.set_news("own fault", sentence)
            if len(refused) == len(results):
                self._set_refusing(sentence)
