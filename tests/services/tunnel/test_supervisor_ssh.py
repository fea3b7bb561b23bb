"""`ssh -R` with a real sshd: the tunnel comes up, says why it does not, and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import wait_for
from tests.services.tunnel.tunnelled import Run, tunnelled
from tests.sshd import Sshd, free_port, is_listening, new_key, sshd
from trayalert.domain.tunnel import Phase
from trayalert.services.tunnel.supervisor import TunnelTiming

URL = "https://alerts.example.com"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


async def test_the_servers_port_leads_to_the_door_and_no_more_when_it_is_ended(server: Sshd) -> None:
    port = free_port()
    async with tunnelled(server.tunnel(port), public_url=URL) as run:
        state = await run.up()
        assert (state.url, state.why) == (URL, None)
        assert is_listening(port)
    wait_for(lambda: not is_listening(port))


async def test_a_server_that_comes_back_is_found_within_five_seconds(server: Sshd) -> None:
    port = free_port()
    async with tunnelled(server.tunnel(port), public_url=URL) as run:
        await run.up()
        server.kill()
        state = await run.until(lambda state: state.why and "its sshd is not" in state.why)
        assert state.why == "SSH (ssh -R): the server is there, but its sshd is not."
        await run.until(lambda state: state.restarts >= 2)  # the pauses between attempts have grown
        server.start()
        began = time.monotonic()
        await run.until(lambda _: is_listening(port))
        assert time.monotonic() - began < 5
        assert (await run.up()).why is None


async def test_a_server_that_stands_still_is_noticed_and_told(server: Sshd) -> None:
    port = free_port()
    quick = {"arguments": [*server.tunnel(port)["arguments"], "-o", "ServerAliveInterval=1"]}
    async with tunnelled(server.tunnel(port, **quick), public_url=URL) as run:
        await run.up()
        server.freeze()
        state = await run.until(lambda state: state.phase is not Phase.UP)
        assert state.why == "SSH (ssh -R): the server does not answer: it, or the network in between, stands still."
        server.thaw()
        await run.up()
        assert is_listening(port)


async def test_a_tunnel_that_is_alive_but_dead_is_started_again_at_once(server: Sshd) -> None:
    port = free_port()
    async with tunnelled(server.tunnel(port), public_url=URL) as run:
        await run.up()
        run.supervisor.restart("Three probes did not come back.")
        state = await run.until(lambda state: state.restarts == 1)
        assert state.why == "Three probes did not come back."
        assert Phase.WAITING not in {state.phase for state in run.states}
        assert (await run.up()).why is None


async def failure_text(run: Run) -> str:
    state = await run.down()
    assert Phase.UP not in {state.phase for state in run.states}
    return str(state.why)


async def test_a_refused_forward_is_told_and_is_never_up(server: Sshd) -> None:
    server.refuse()
    port = free_port()
    async with tunnelled(server.tunnel(port), public_url=URL) as run:
        assert await failure_text(run) == (
            f"SSH (ssh -R): the server refuses port {port}: it is in use there, or its AllowTcpForwarding or "
            "PermitListen says no."
        )
        server.kill()
        server.start()
        await run.up()


async def test_a_host_key_that_is_not_known_is_told(server: Sshd) -> None:
    server.known_hosts.unlink()
    table = server.tunnel(free_port())
    async with tunnelled(table, public_url=URL) as run:
        assert await failure_text(run) == (
            "SSH (ssh -R): the server's host key is not known yet: connect once by hand:"
            f" ssh -p {server.port} {table['host']}."
        )


async def test_a_host_key_that_has_changed_is_told_apart(server: Sshd) -> None:
    server.kill()
    new_key(server.folder / "host_key")
    server.start()
    async with tunnelled(server.tunnel(free_port()), public_url=URL) as run:
        assert "another host key than before" in await failure_text(run)


async def test_a_key_that_is_not_let_in_is_told(server: Sshd) -> None:
    new_key(server.folder / "other")
    table = server.tunnel(free_port(), identity=str(server.folder / "other"))
    async with tunnelled(table, public_url=URL) as run:
        assert "does not let in" in await failure_text(run)


async def test_a_server_that_never_says_a_word_is_given_up(server: Sshd) -> None:
    server.freeze()  # the kernel still accepts connections for the frozen sshd
    table = server.tunnel(free_port())
    table["arguments"] += ["-o", "ConnectTimeout=1"]
    async with tunnelled(table, public_url=URL, timing=TunnelTiming(pause=lambda _: 60.0)) as run:
        assert (await failure_text(run) or "").startswith(
            "SSH (ssh -R): the server does not answer: it, or the network"
        )
