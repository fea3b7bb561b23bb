"""Runs the tunnel: starts it, finds its public address, starts it again where it ends, ends it with all it started.

One rule: it never raises for the world's faults. Whatever is wrong is a sentence in the state, and it tries again.
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

from trayalert.domain.settings.public_url import read_public_url
from trayalert.domain.settings.tunnel_presets import (
    PRESETS,
    Address,
    door_address,
    failure_in,
    program_of,
    url_pattern_of,
)
from trayalert.domain.text import printable, sentence
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, Tunnel, TunnelState
from trayalert.services.tunnel.output import Output
from trayalert.services.tunnel.process import Guarded, start_guarded
from trayalert.services.tunnel.token import TunnelFault, read_token

_BETWEEN_READS = 0.05
"""Seconds: what floods its output is made to wait by its full pipe."""

_RECENT = 20
"""Lines in which the reason of an end is looked for."""

_MATCHED = 300
"""Characters of a line that are searched for the address: a person's own pattern may be slow on more."""

_SLOW = 0.25

_logger = logging.getLogger(__name__)


def pause_after(failures: int) -> float:
    """Return how many seconds to wait after so many failures: at most 3 in the first two minutes, in the end 60.

    So a server that comes back soon is found within 5 s, and one that is away for the night is not pestered.
    """
    if failures < 2:
        return 1.0 + failures
    return 3.0 if failures < 40 else min(60.0, 8.0 * 2 ** min(failures - 40, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. `address_within`: an address is found, `ready_within`: it is up, after the start, else it starts again.

    cloudflared needs a minute until it tries TCP where UDP is shut. `steady`: up for so long, failures are forgotten.
    """

    pause: Callable[[int], float] = pause_after
    address_within: float = 30.0
    ready_within: float = 180.0
    steady: float = 60.0
    look_again: float = 60.0
    grace: float = 5.0


class _MissingFault(TunnelFault):
    pass


class Tunnelling:
    """Made, run and restarted on one asyncio loop; `state` is for any thread. `tell` hears of all but new output."""

    def __init__(
        self,
        tunnel: Tunnel,
        *,
        public_url: str | None,
        tell: Callable[[TunnelState], None],
        now: Callable[[], Millis],
        mask: Callable[[str], str],
        timing: Timing = Timing(),
    ) -> None:
        self._tunnel = tunnel
        self._preset = PRESETS[tunnel.kind]
        self._title = Path(tunnel.command[0]).name if tunnel.command else self._preset.title
        self._tell = tell
        self._now = now
        self._timing = timing
        self._output = Output(mask)
        self._pattern = url_pattern_of(tunnel)
        self._poke = asyncio.Event()
        self._asked: str | None = None
        self._logged: str | None = None
        self._recent: list[str] = []
        self._found = self._ready_at = self._up_at = 0.0
        self._state = TunnelState(
            kind=tunnel.kind,
            url=None if self._pattern else public_url,
            warning=self._preset.warning,
            since=now(),
        )

    @property
    def state(self) -> TunnelState:
        """How the tunnel is, with its last output."""
        return replace(self._state, output=self._output.kept)

    def restart(self, why: str) -> None:
        """End it and start it again at once, whether it runs or waits. `why` is a sentence."""
        self._asked = why
        self._poke.set()

    async def run(self, host: str, port: int, *, tls: bool) -> None:
        """Keep the tunnel to the door that listens there, until cancelled."""
        door = door_address(host, port, tls=tls)
        failures = 0
        try:
            while True:
                self._asked, self._up_at = None, 0.0
                missing = False
                try:
                    why = await self._live(*self._prepared(door))
                except TunnelFault as fault:
                    why, missing = str(fault), isinstance(fault, _MissingFault)
                if missing or self._was_steady():
                    failures = 0
                if self._asked is None:
                    pause = self._timing.look_again if missing else self._timing.pause(failures)
                    await self._wait(Phase.MISSING if missing else Phase.WAITING, why, pause)
                failures = 0 if self._asked else failures + 1  # who asks knows of a change
                self._become(restarts=self._state.restarts + 1, why=self._asked or self._state.why, told=False)
        finally:
            self._become(phase=Phase.OFF, why=None, until=None, pid=None)

    def _was_steady(self) -> bool:
        return bool(self._up_at) and time.monotonic() - self._up_at >= self._timing.steady

    async def _wait(self, phase: Phase, why: str, seconds: float) -> None:
        if why != self._logged:  # over a night it is tried a thousand times
            _logger.warning("the tunnel does not run: %s It is tried again, now in %.0f s.", why, seconds)
        self._logged = why
        self._become(phase=phase, why=why, until=self._now() + int(seconds * 1000), pid=None)
        end = time.monotonic() + seconds
        while self._asked is None and (left := end - time.monotonic()) > 0:
            await self._poked(left)

    async def _poked(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._poke.wait()
        self._poke.clear()

    def _prepared(self, door: Address) -> tuple[list[str], dict[str, str]]:
        """Return the command and its environment. Raise TunnelFault."""
        tunnel = self._tunnel
        told = {"TRAYALERT_HOST": door.host, "TRAYALERT_PORT": str(door.port), "TRAYALERT_ADDRESS": door.place}
        environment = {**os.environ, **told, **tunnel.environment}
        secrets = list(tunnel.environment.values())
        warning = self._preset.warning
        variable = tunnel.token_variable or self._preset.token_variable
        if tunnel.token_file and variable:
            token, open_to_all = read_token(tunnel.token_file)
            environment[variable] = token
            secrets.append(token)
            if open_to_all:
                warning = f"Every user of this computer can read the token in {tunnel.token_file}: chmod 600 it."
        self._output.hide(secrets)
        self._become(warning=warning, told=False)
        program = os.path.expanduser(program_of(tunnel))  # noqa: PTH111 - a name must stay one, not become a path
        found = shutil.which(program, path=environment.get("PATH"))
        if found is None:
            raise _MissingFault(f"There is no program {printable(program, limit=80)} here. {self._preset.get_it}")
        config = os.path.expanduser(tunnel.config) if tunnel.config else None  # noqa: PTH111
        return [found, *self._preset.arguments(replace(tunnel, config=config), door)], environment

    async def _live(self, command: list[str], environment: Mapping[str, str]) -> str:
        """Run it once. Return a sentence that says why that is over."""
        self._begin()
        try:
            guarded = await start_guarded(command, environment, grace=self._timing.grace)
        except (OSError, ValueError) as error:
            reason = printable(getattr(error, "strerror", None) or str(error))
            raise TunnelFault(f"{self._title} cannot be started: {reason}.") from error
        self._become(phase=Phase.STARTING, until=None, pid=guarded.pid)
        hearing = asyncio.create_task(self._hear(guarded.output))
        ending = asyncio.create_task(guarded.wait())
        ending.add_done_callback(lambda _: self._poke.set())
        try:
            why = await self._watch(ending)
            if self._state.phase is Phase.UP:  # its end may take a while
                self._become(phase=Phase.STARTING, why=why)
            return why
        finally:
            await self._end(guarded, hearing, ending)

    def _begin(self) -> None:
        self._recent = []
        self._found = self._ready_at = 0.0
        self._pattern = url_pattern_of(self._tunnel)
        self._output.begin()

    async def _end(self, guarded: Guarded, hearing: "asyncio.Task[None]", ending: "asyncio.Task[int]") -> None:
        guarded.end()
        done, _ = await asyncio.wait({ending}, timeout=self._timing.grace + 4.0)
        if not done:
            guarded.kill()
            await asyncio.wait({ending}, timeout=1.0)
        await asyncio.wait({hearing}, timeout=0.2)
        for task in (hearing, ending):
            task.cancel()
        guarded.close()

    async def _watch(self, ending: "asyncio.Task[int]") -> str:
        began = time.monotonic()
        while True:
            if ending.done():
                await asyncio.sleep(2 * _BETWEEN_READS)  # its last words are read
                return self._ended(ending.result())
            if self._asked is not None:
                return self._asked
            late = self._judged(began)
            if late is not None:
                return late
            await self._poked(self._timing.steady if self._state.phase is Phase.UP else _BETWEEN_READS * 2)

    def _judged(self, began: float) -> str | None:
        """Find out whether it is up. Return a sentence where it takes too long for that."""
        if self._state.phase is Phase.UP:
            return None
        present = time.monotonic()
        has_address = self._pattern is None or bool(self._found)
        if has_address and self._has_settled(began, present):
            self._up_at = present
            self._recent, self._logged = [], None
            self._become(phase=Phase.UP, why=None)
            _logger.info("the tunnel is up%s", f": {self._state.url}" if self._state.url else "")
            return None
        reason = self._reason()
        if not has_address and present - began >= self._timing.address_within:
            return reason or f"{self._title} printed no address within {self._timing.address_within:.0f} s."
        if present - began >= self._timing.ready_within:
            return reason or f"{self._title} was not up within {self._timing.ready_within:.0f} s."
        if reason and reason != self._state.why:
            self._become(why=reason)
        return None

    def _has_settled(self, began: float, present: float) -> bool:
        if self._preset.ready:
            return bool(self._ready_at) and present - self._ready_at >= self._preset.settle
        return self._pattern is not None or present - began >= self._preset.settle

    async def _hear(self, output: asyncio.StreamReader) -> None:
        while came := await output.read(65_536):
            for line in self._output.feed(came):
                self._take(line)
            self._poke.set()
            await asyncio.sleep(_BETWEEN_READS)

    def _take(self, line: str) -> None:
        self._recent = [*self._recent[1 - _RECENT :], line]
        if not self._ready_at and self._preset.ready and self._preset.ready.search(line):
            self._ready_at = time.monotonic()
        url = self._address_in(line) if self._pattern else None
        if url is not None:
            self._found = time.monotonic()
            if url != self._state.url:
                self._become(url=url)

    def _address_in(self, line: str) -> str | None:
        pattern = self._pattern
        if pattern is None:
            return None
        began = time.monotonic()
        match = pattern.search(line[:_MATCHED])
        if time.monotonic() - began > _SLOW:  # the receiver's loop stands still meanwhile
            self._pattern = _NOTHING
        return read_public_url(match[1] if match.groups() and match[1] else match[0]) if match else None

    def _reason(self) -> str | None:
        """Return what the last lines say of a failure."""
        if self._pattern is _NOTHING:
            return "tunnel.url_pattern takes too long on what the program prints: make it simpler."
        told = [found for line in self._recent if (found := failure_in(self._tunnel, line))]
        return f"{self._title}: {min(told)[1]}." if told else None

    def _ended(self, status: int) -> str:
        reason = self._reason()
        if reason:
            return reason
        last = self._output.masked(self._recent[-1]) if self._recent else ""
        said = f'; it said "{printable(last, limit=160)}"' if last else ", and said nothing"
        return f"{sentence(self._title)} ended with status {status}{said}."

    def _become(self, *, told: bool = True, **changes: Any) -> None:
        before = self._state
        if changes.get("phase", before.phase) is not before.phase:
            changes["since"] = self._now()
        self._state = replace(before, **changes)
        if told and self._state != before:
            self._tell(self.state)


_NOTHING = re.compile("(?!)")
