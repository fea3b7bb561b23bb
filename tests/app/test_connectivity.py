"""Connectivity as the receiver runs it: one tunnel, whatever is chosen, whose output is visible immediately."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from trayalert.app.connectivity import Connectivity
from trayalert.app.platform.state_store import StateStore
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import Tunnel


def settings(tmp_path: Path, seconds: int) -> Settings:
    """Return settings of a tunnel that prints a line, and then reports no address for `seconds` seconds."""
    command = ("sh", "-c", f"echo looking; exec sleep {seconds}", str(tmp_path))
    return Settings(tunnel=Tunnel(kind="command", command=command, url_pattern="https://[a-z.]+"))


@asynccontextmanager
async def running_connectivity(tmp_path: Path) -> AsyncIterator[Connectivity]:
    made = Connectivity(
        settings(tmp_path, 1000),
        StateStore(tmp_path / "remembered.json"),
        announce=lambda _: None,
        mask=lambda text: text,
    )
    running = asyncio.create_task(made.run())
    made.set_listener_state(ListenerState(host="127.0.0.1", port=1, open=True))
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.wait([running])


def reapers() -> list[str]:
    """Return the command lines of the reapers that this process has started."""
    lines = [" ".join(child.cmdline()) for child in psutil.Process().children()]
    return [line for line in lines if "reaper.py" in line]


async def until(condition: Callable[[], object], *, deadline: float = 20) -> None:
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 - the condition is about another process
            await asyncio.sleep(0.01)


async def test_what_a_tunnel_says_before_it_is_up_is_seen_at_once(tmp_path: Path) -> None:
    async with running_connectivity(tmp_path) as made:
        await until(lambda: made.tunnel.output == ("looking",))


async def test_two_ways_chosen_at_once_leave_one_tunnel_the_last(tmp_path: Path) -> None:
    async with running_connectivity(tmp_path) as made:
        await until(lambda: made.tunnel.output)
        await asyncio.gather(*(made.apply_settings(settings(tmp_path, seconds)) for seconds in (1001, 1002)))
        await until(lambda: made.tunnel.output)
        assert len(reapers()) == 1, reapers()
        assert "sleep 1002" in reapers()[0]
    assert not reapers()
