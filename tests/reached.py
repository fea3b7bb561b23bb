"""Runs the program with a real ssh tunnel, for the tests and the long proofs of reachability."""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.program import ServeProcess, serving, wait_for
from tests.sshd import Sshd, free_port
from trayalert.app.control.control_protocol import GetStatus, ask
from trayalert.app.platform.places import find_places

PROBE = 5
MAX_SECONDS_TO_BLIND, MAX_SECONDS_TO_REACHABLE = 15.0, 5.0
"""Seconds within which the program promises to report that it is blind, and that it is reachable again."""


def toml(table: dict[str, Any]) -> str:
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())


def write_settings(data_dir: Path, **settings: Any) -> None:
    data_dir.mkdir(exist_ok=True)
    tunnel = settings.pop("tunnel", None)
    text = toml(settings) + (f"[tunnel]\n{toml(tunnel)}" if tunnel else "")
    assert tomllib.loads(text)
    (data_dir / "settings.toml").write_text(text)


def status(program: ServeProcess) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(program.run("status", "--json").out)
    return found


def reach_of(program: ServeProcess) -> str:
    """Return the program's reachability state, from the control socket. A command would take half a second."""
    answer = ask(find_places(str(program.data_dir)).socket, GetStatus())
    assert answer
    return str(answer["running"]["reach"]["reach"])


def wait_for_reach(program: ServeProcess, reach: str, *, within: float = 30) -> dict[str, Any]:
    """Wait until the program's reachability state is `reach`, and return what `trayalert status` then says."""
    wait_for(lambda: reach_of(program) == reach, deadline=within)
    found = status(program)
    assert found["reach"] == reach
    return found


def gaps(program: ServeProcess) -> list[dict[str, Any]]:
    return program.run("gaps", "--json").objects


@contextmanager
def tunnelled_program(server: Sshd, data_dir: Path) -> Iterator[ServeProcess]:
    """Run the program with an ssh tunnel until the block ends.

    When the block begins, a probe has already come back through the tunnel.
    """
    port = free_port()
    write_settings(data_dir, public_url=f"http://127.0.0.1:{port}", probe_seconds=PROBE, tunnel=server.tunnel(port))
    with serving(data_dir) as program:
        wait_for_reach(program, "reachable")
        yield program


def kill(server: Sshd) -> Callable[[], None]:
    server.kill()
    return server.start


def freeze(server: Sshd) -> Callable[[], None]:
    server.freeze()
    return server.thaw


def refuse(server: Sshd) -> Callable[[], None]:
    server.refuse()

    def allow() -> None:
        server.kill()
        server.start()

    return allow
