"""Runs the tunnel: starts its program, finds the public address, restarts the program, and ends its process tree.

`TunnelSupervisor.run` raises no fault. Each fault is reported as a sentence in the supervisor's state, and the program
is started again.
"""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trayalert.domain.fault import Fault, os_reason
from trayalert.domain.listener_state import ListenerAddress
from trayalert.domain.phrase import Phrase, PhraseList, as_sentence
from trayalert.domain.settings.ingress import read_public_url
from trayalert.domain.settings.tunnel_presets import (
    PRESETS,
    find_failure,
    program_of,
    url_pattern_of,
)
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, Tunnel, TunnelState
from trayalert.services.access.secret_store import SecretStore
from trayalert.services.access.secrets import SecretFault
from trayalert.services.tunnel.output import TunnelOutput
from trayalert.services.tunnel.process import TunnelProcess, start_tunnel_process

_READ_INTERVAL = 0.05
"""Seconds between two reads of the program's output.

If the program floods its output, the pipe becomes full, and the program blocks until the next read.
"""

_RECENT_LINES = 20
"""Number of the latest lines of output to search for the reason of a failure."""

_MAX_SEARCHED = 300
"""Maximum number of characters of a line to search for the address.

A pattern from the settings may be slow, so the number must be small.
"""

_SLOW_SEARCH = 0.25
"""Maximum time for one search for the address, in seconds.

If a search takes longer, there are no more searches until the next start of the program.
"""
_NEVER_MATCHES = re.compile("(?!)")

_logger = logging.getLogger(__name__)


def restart_pause(failures: int) -> float:
    """Return how many seconds to wait before the next start, after `failures` failures in a row.

    In the first two minutes, the pause is at most 3 s. A tunnel server that comes back in this time is therefore found
    within 5 s. After two minutes, the pause grows to 60 s.
    """
    if failures < 2:
        return 1.0 + failures
    return 3.0 if failures < 40 else min(60.0, 8.0 * 2 ** min(failures - 40, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelTiming:
    """The supervisor's intervals, in seconds."""

    pause: Callable[[int], float] = restart_pause
    """A function that takes the number of failures in a row and returns the pause before the next start."""
    address_timeout: float = 30.0
    """If the program prints no address within this time, the program is restarted."""
    ready_timeout: float = 180.0
    """If the tunnel does not come up within this time, the program is restarted.

    This time must be long. If UDP is blocked, for example, cloudflared tries TCP only after a minute.
    """
    steady_after: float = 60.0
    """After the tunnel has been up for this time, earlier failures no longer count."""
    missing_pause: float = 60.0
    """Pause before the next try if the program is not installed."""
    grace: float = 5.0
    """Time between SIGTERM and SIGKILL when the program is ended."""


class TunnelFault(Fault):
    """Raised if the tunnel cannot be started. The message says why, and what to do."""


class _ProgramMissingFault(TunnelFault):
    pass


class TunnelSupervisor:
    """Supervises the program of one tunnel. All methods must be called on one event loop.

    Any thread may read `state`. `report` is called with each new state. New output alone does not make a new state. The
    supervisor masks the tunnel's own secrets in the output. `mask` masks all other secrets in a line of output.
    """

    def __init__(
        self,
        tunnel: Tunnel,
        *,
        public_url: str | None,
        report: Callable[[TunnelState], None],
        now: Callable[[], Millis],
        mask: Callable[[str], str],
        secret_store: SecretStore,
        timing: TunnelTiming = TunnelTiming(),
    ) -> None:
        self._tunnel = tunnel
        self._preset = PRESETS[tunnel.kind]
        self._title = Path(tunnel.command[0]).name if tunnel.command else self._preset.title
        self._report = report
        self._now = now
        self._secret_store = secret_store
        self._timing = timing
        self._output = TunnelOutput(mask)
        self._pattern = url_pattern_of(tunnel)
        self._wake = asyncio.Event()
        self._restart_reason: str | None = None
        self._logged_reason: str | None = None
        self._recent_lines: list[str] = []
        self._address_found_at = self._ready_at = self._up_at = 0.0
        url = None if self._pattern else public_url
        self._state = TunnelState(kind=tunnel.kind, url=url, warning=self._preset.warning, since=now())

    @property
    def state(self) -> TunnelState:
        """The current state of the tunnel, with the latest lines of the program's output."""
        return replace(self._state, output=self._output.lines)

    def restart(self, reason: str) -> None:
        """Restart the tunnel immediately. A tunnel that waits for its next start is started immediately, too.

        `reason` becomes `why` in the state.
        """
        self._restart_reason = reason
        self._wake.set()

    async def run(self, host: str, port: int, *, tls: bool) -> None:
        """Run the tunnel to the listener at `host` and `port` until this coroutine is cancelled."""
        listener = ListenerAddress(host=host, port=port, tls=tls).local
        failures = 0
        try:
            while True:
                self._restart_reason, self._up_at = None, 0.0
                missing = False
                try:
                    reason = await self._run_once(*self._prepare(listener))
                except (TunnelFault, SecretFault) as fault:
                    reason, missing = str(fault), isinstance(fault, _ProgramMissingFault)
                if missing or self._was_steady():
                    failures = 0
                if self._restart_reason is None:
                    pause = self._timing.missing_pause if missing else self._timing.pause(failures)
                    await self._wait(Phase.MISSING if missing else Phase.WAITING, reason, pause)
                failures = 0 if self._restart_reason else failures + 1  # a requested restart is not a failure
                self._set_state(
                    restarts=self._state.restarts + 1, why=self._restart_reason or self._state.why, report=False
                )
        finally:
            self._set_state(phase=Phase.OFF, why=None, until=None, pid=None)

    def _was_steady(self) -> bool:
        return bool(self._up_at) and time.monotonic() - self._up_at >= self._timing.steady_after

    async def _wait(self, phase: Phase, reason: str, seconds: float) -> None:
        if reason != self._logged_reason:  # logged once: a start may fail a thousand times in a night
            _logger.warning("the tunnel does not run: %s It is tried again, now in %.0f s.", reason, seconds)
        self._logged_reason = reason
        self._set_state(phase=phase, why=reason, until=self._now() + int(seconds * 1000), pid=None)
        deadline = time.monotonic() + seconds
        while self._restart_reason is None and (remaining := deadline - time.monotonic()) > 0:
            await self._wait_for_wake(remaining)

    async def _wait_for_wake(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _prepare(self, listener: ListenerAddress) -> tuple[list[str], dict[str, str]]:
        """Return the program's command line and environment.

        Raise `TunnelFault` if the program is not installed. Raise `SecretFault` if the tunnel's token cannot be read.
        """
        tunnel = self._tunnel
        listener_variables = {
            "TRAYALERT_HOST": listener.host,
            "TRAYALERT_PORT": str(listener.port),
            "TRAYALERT_ADDRESS": listener.authority,
        }
        environment = {**os.environ, **listener_variables, **tunnel.environment}
        secrets = list(tunnel.environment.values())
        warning = self._preset.warning
        variable = tunnel.token_variable or self._preset.token_variable
        if tunnel.token_file and variable:
            token = self._secret_store.get(tunnel.token_file)
            environment[variable] = token.reveal()
            secrets.append(token.reveal())
            warning = token.warning or warning
        self._output.set_secrets(secrets)
        self._set_state(warning=warning, report=False)
        program = os.path.expanduser(program_of(tunnel))  # noqa: PTH111 - a name must not become a path
        executable = shutil.which(program, path=environment.get("PATH"))
        if executable is None:
            name = printable(program, limit=80)
            missing = Phrase("There is no program {name} here.", name=name)
            raise _ProgramMissingFault(PhraseList([missing, self._preset.install_hint]))
        config = os.path.expanduser(tunnel.config) if tunnel.config else None  # noqa: PTH111
        return [executable, *self._preset.arguments(replace(tunnel, config=config), listener)], environment

    async def _run_once(self, command: list[str], environment: Mapping[str, str]) -> str:
        """Run the program until it ends or must be ended. Return a sentence that says why the program ended.

        Raise `TunnelFault` if the program cannot be started.
        """
        self._reset()
        try:
            process = await start_tunnel_process(command, environment, grace=self._timing.grace)
        except (OSError, ValueError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else printable(str(error))
            raise TunnelFault(
                Phrase("{program} cannot be started: {reason}.", program=self._title, reason=reason)
            ) from error
        self._set_state(phase=Phase.STARTING, until=None, pid=process.pid)
        read_task = asyncio.create_task(self._read_output(process.output))
        wait_task = asyncio.create_task(process.wait())
        wait_task.add_done_callback(lambda _: self._wake.set())
        try:
            end_reason = await self._watch(wait_task)
            if self._state.phase is Phase.UP:  # set here, because `_end_process` may take a while
                self._set_state(phase=Phase.STARTING, why=end_reason)
            return end_reason
        finally:
            await self._end_process(process, read_task, wait_task)

    def _reset(self) -> None:
        self._recent_lines = []
        self._address_found_at = self._ready_at = 0.0
        self._pattern = url_pattern_of(self._tunnel)
        self._output.reset()

    async def _end_process(
        self, process: TunnelProcess, read_task: "asyncio.Task[None]", wait_task: "asyncio.Task[int]"
    ) -> None:
        process.end()
        done, _ = await asyncio.wait({wait_task}, timeout=self._timing.grace + 4.0)
        if not done:
            process.kill()
            await asyncio.wait({wait_task}, timeout=1.0)
        await asyncio.wait({read_task}, timeout=0.2)
        for task in (read_task, wait_task):
            task.cancel()
        process.close()

    async def _watch(self, wait_task: "asyncio.Task[int]") -> str:
        began = time.monotonic()
        while True:
            if wait_task.done():
                await asyncio.sleep(2 * _READ_INTERVAL)  # time to read the last lines
                return self._exit_text(wait_task.result())
            if self._restart_reason is not None:
                return self._restart_reason
            failure = self._check_startup(began)
            if failure is not None:
                return failure
            up = self._state.phase is Phase.UP
            await self._wait_for_wake(self._timing.steady_after if up else _READ_INTERVAL * 2)

    def _check_startup(self, began: float) -> str | None:
        """Check whether the tunnel has come up, and update the state.

        `began` is the time of the start by `time.monotonic`. If the start takes too long, return a sentence that
        says what is wrong, else None.
        """
        if self._state.phase is Phase.UP:
            return None
        present = time.monotonic()
        has_address = self._pattern is None or bool(self._address_found_at)
        if has_address and self._has_settled(began, present):
            self._up_at = present
            self._recent_lines, self._logged_reason = [], None
            self._set_state(phase=Phase.UP, why=None)
            _logger.info("the tunnel is up%s", f": {self._state.url}" if self._state.url else "")
            return None
        reason = self._failure_reason()
        if not has_address and present - began >= self._timing.address_timeout:
            return reason or Phrase(
                "{program} printed no address within {seconds:.0f} s.",
                program=self._title,
                seconds=self._timing.address_timeout,
            )
        if present - began >= self._timing.ready_timeout:
            return reason or Phrase(
                "{program} was not up within {seconds:.0f} s.",
                program=self._title,
                seconds=self._timing.ready_timeout,
            )
        if reason and reason != self._state.why:
            self._set_state(why=reason)
        return None

    def _has_settled(self, began: float, present: float) -> bool:
        if self._preset.ready:
            return bool(self._ready_at) and present - self._ready_at >= self._preset.settle_seconds
        return self._pattern is not None or present - began >= self._preset.settle_seconds

    async def _read_output(self, output: asyncio.StreamReader) -> None:
        while chunk := await output.read(65_536):
            for line in self._output.feed(chunk):
                self._process_line(line)
            self._wake.set()
            await asyncio.sleep(_READ_INTERVAL)

    def _process_line(self, line: str) -> None:
        self._recent_lines = [*self._recent_lines[1 - _RECENT_LINES :], line]
        if not self._ready_at and self._preset.ready and self._preset.ready.search(line):
            self._ready_at = time.monotonic()
        url = self._find_address(line) if self._pattern else None
        if url is not None:
            self._address_found_at = time.monotonic()
            if url != self._state.url:
                self._set_state(url=url)

    def _find_address(self, line: str) -> str | None:
        pattern = self._pattern
        if pattern is None:
            return None
        began = time.monotonic()
        match = pattern.search(line[:_MAX_SEARCHED])
        if time.monotonic() - began > _SLOW_SEARCH:  # a slow search blocks the receiver's event loop
            self._pattern = _NEVER_MATCHES
        return read_public_url(match[1] if match.groups() and match[1] else match[0]) if match else None

    def _failure_reason(self) -> str | None:
        """Return a sentence that says why the tunnel fails, or None if no reason is known.

        If the latest lines of output contain several reasons, the sentence contains the most informative reason.
        """
        if self._pattern is _NEVER_MATCHES:
            return Phrase("tunnel.url_pattern takes too long on what the program prints: make it simpler.")
        failures = [found for line in self._recent_lines if (found := find_failure(self._tunnel, line))]
        return Phrase("{program}: {failure}.", program=self._title, failure=min(failures)[1]) if failures else None

    def _exit_text(self, status: int) -> str:
        reason = self._failure_reason()
        if reason:
            return reason
        last = self._output.masked(self._recent_lines[-1]) if self._recent_lines else ""
        program = self._title
        if not last:
            text = Phrase("{program} ended with status {status}, and said nothing.", program=program, status=status)
        else:
            text = Phrase(
                '{program} ended with status {status}; it said "{output}".',
                program=program,
                status=status,
                output=printable(last, limit=160),
            )
        return as_sentence(text)

    def _set_state(self, *, report: bool = True, **changes: Any) -> None:
        before = self._state
        if changes.get("phase", before.phase) is not before.phase:
            changes["since"] = self._now()
        self._state = replace(before, **changes)
        if report and self._state != before:
            self._report(self.state)
