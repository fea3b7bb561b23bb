"""A tunnel that runs during a test (`async with tunnelled(...) as run:`), and what a test can wait for."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.services.access.memory_secrets import MemorySecrets
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.access.secret_store import SecretStore
from trayalert.services.tunnel.supervisor import TunnelSupervisor, TunnelTiming

SOON = 20.0


def now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Run:
    """A running supervisor and all `states` that it has reported, in order."""

    supervisor: TunnelSupervisor
    states: list[TunnelState] = field(default_factory=list)

    @property
    def state(self) -> TunnelState:
        return self.supervisor.state

    async def until(self, condition: Callable[[TunnelState], object], *, deadline: float = SOON) -> TunnelState:
        """Wait until the condition holds for the state, and return the state."""
        end = time.monotonic() + deadline
        while not condition(state := self.state):
            assert time.monotonic() < end, state
            await asyncio.sleep(0.01)
        return state

    async def up(self, *, deadline: float = SOON) -> TunnelState:
        return await self.until(lambda state: state.phase is Phase.UP, deadline=deadline)

    async def down(self) -> TunnelState:
        """Wait until the supervisor waits for its next start of the program, and return the state.

        A pause lasts at least a second, so the state cannot be missed.
        """
        return await self.until(lambda state: state.phase in {Phase.WAITING, Phase.MISSING})


@asynccontextmanager
async def tunnelled(
    table: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int = 1,
    tls: bool = False,
    public_url: str | None = None,
    mask: Callable[[str], str] = lambda text: text,
    secret_store: SecretStore | None = None,
    timing: TunnelTiming | None = None,
) -> AsyncIterator[Run]:
    """Run the tunnel that the settings `table` describes, to a listener at `host` and `port`.

    Stop the tunnel at the end.
    """
    tunnel, problems = read_tunnel(table)
    assert tunnel is not None, problems
    assert problems == ()
    states: list[TunnelState] = []
    supervisor = TunnelSupervisor(
        tunnel,
        public_url=public_url,
        report=states.append,
        now=now,
        mask=mask,
        secret_store=secret_store or MemorySecrets(),
        timing=timing or TunnelTiming(),
    )
    task = asyncio.create_task(supervisor.run(host, port, tls=tls))
    try:
        yield Run(supervisor, states)
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert supervisor.state.phase is Phase.OFF


def processes_with(mark: str) -> list[psutil.Process]:
    """Return the living processes that have `mark` in one of their arguments."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE and any(mark in part for part in one.cmdline()):
                found.append(one)
    return found


def program(folder: Path, name: str, lines: str) -> str:
    """Write a shell script that plays a tunnel's program.

    Return its path, which is also a mark for `processes_with`.
    """
    path = folder / name
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)
