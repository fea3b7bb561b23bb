"""The supervisor of a tunnel program, whatever the program prints and does, and however trayalert ends."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.program import wait_for
from tests.services.access.memory_secrets import MemorySecrets
from tests.services.tunnel.tunnelled import now, processes_with, program, tunnelled
from trayalert.app.platform.secret_files import SecretFiles
from trayalert.domain.text import printable
from trayalert.domain.tunnel import Phase
from trayalert.services.tunnel.supervisor import TunnelTiming, restart_pause

URL = "https://one.example.com"
PATTERN = r"https://[a-z]+\.example\.com"
NO_PAUSE = TunnelTiming(pause=lambda _: 0.05)

TREE = """sleep 1000 & setsid sleep 1000 & (setsid sh -c 'setsid sleep 1001 & sleep 1002' &) """
"""A child, a child in a session of its own, and grandchildren whose parents have ended."""


def command(*arguments: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "command", "command": list(arguments), "url_pattern": PATTERN, **changes}


def descendants(pid: int) -> list[int]:
    """Return the processes of a tunnel, given the reaper's pid.

    The reaper becomes the parent of every process whose own parent has ended, so all processes are its descendants.
    """
    import psutil  # noqa: PLC0415

    return [one.pid for one in psutil.Process(pid).children(recursive=True)]


def living(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found


async def test_the_address_is_found_in_the_output_and_the_program_told_where_the_door_is(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f'echo "at {URL}/ for $* $TRAYALERT_PORT"; exec sleep 1000')
    async with tunnelled(command(made, "{address}", "{host}", "{port}"), host="::", port=8765) as run:
        state = await run.up()
    assert state.url == URL
    assert state.output == (f"at {URL}/ for [::1]:8765 ::1 8765 8765",)


async def test_another_address_at_the_next_start_is_told(tmp_path: Path) -> None:
    lines = f"echo x >> {tmp_path}/starts; case $(wc -l < {tmp_path}/starts) in 1) w=one;; *) w=two;; esac"
    made = program(tmp_path, "tunnel", f"{lines}; echo https://$w.example.com; exec sleep 1000")
    async with tunnelled(command(made), timing=NO_PAUSE) as run:
        await run.up()
        run.supervisor.restart("It is dead.")
        await run.until(lambda state: state.url == "https://two.example.com")
    urls = [state.url for state in run.states]
    # the state keeps the old address until a new address is known
    assert list(dict.fromkeys(urls)) == [None, URL, "https://two.example.com"]


async def test_another_address_in_the_middle_is_told(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"echo {URL}; sleep 0.3; echo https://two.example.com; exec sleep 1000")
    async with tunnelled(command(made)) as run:
        await run.up()
        state = await run.until(lambda state: state.url == "https://two.example.com")
        assert state.phase is Phase.UP


@pytest.mark.parametrize("address", ["https://user:word@a.example.com", "https://x.example.com/?a=b", "ftp://x"])
async def test_what_is_no_address_is_not_taken_for_one(tmp_path: Path, address: str) -> None:
    made = program(tmp_path, "tunnel", f"echo {address}; echo {URL}; exec sleep 1000")
    async with tunnelled(command(made, url_pattern=r"[a-z]+://\S+")) as run:
        await run.up()
    assert {state.url for state in run.states} == {None, URL}


async def test_with_no_address_in_time_it_is_started_again(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", "echo hello; exec sleep 1000")
    async with tunnelled(command(made), timing=TunnelTiming(address_timeout=0.3)) as run:
        state = await run.down()
        assert state.why == "tunnel printed no address within 0 s."
        await run.until(lambda state: state.restarts == 1)
        assert len(processes_with(made)) <= 1


async def test_what_ends_at_once_is_started_again_after_growing_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = program(tmp_path, "tunnel", "echo 'no such \033[31mluck\033[0m'; exit 3")
    failure_counts: list[int] = []

    def pause(failures: int) -> float:
        failure_counts.append(failures)
        return 0.01

    async with tunnelled(command(made), timing=TunnelTiming(pause=pause)) as run:
        await run.until(lambda state: state.restarts >= 3)
    assert failure_counts[:3] == [0, 1, 2]
    waits = [state for state in run.states if state.phase is Phase.WAITING]
    assert waits[0].why == 'Tunnel ended with status 3; it said "no such luck".'
    assert waits[0].until is not None
    assert caplog.text.count("the tunnel does not run") == 1, "a night of tries is one line"


def test_pauses_grow_to_a_minute_and_stay_below_five_seconds_in_the_first_two() -> None:
    pauses = [restart_pause(failures) for failures in range(60)]
    assert pauses == sorted(pauses)
    assert (pauses[:4], max(pauses)) == ([1, 2, 3, 3], 60)
    early = [pause for place, pause in enumerate(pauses) if sum(pauses[:place]) < 110]
    assert max(early) < 5


async def test_failures_are_forgotten_once_it_was_up_for_long(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"echo {URL}; sleep 0.3; exit 1")
    failure_counts: list[int] = []

    def pause(failures: int) -> float:
        failure_counts.append(failures)
        return 0.01

    async with tunnelled(command(made), timing=TunnelTiming(pause=pause, steady_after=0.1)) as run:
        await run.until(lambda state: state.restarts >= 2)
    assert failure_counts == [0, 0]


async def test_who_asks_for_a_start_is_not_made_to_wait(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", "exit 1")
    failure_counts: list[int] = []

    def pause(failures: int) -> float:
        failure_counts.append(failures)
        return 0.01 if len(failure_counts) < 4 else 600.0

    async with tunnelled(command(made), timing=TunnelTiming(pause=pause)) as run:
        await run.until(lambda state: state.until and state.until > now() + 60_000)
        run.supervisor.restart("The network is back.")
        await run.until(lambda _: len(failure_counts) > 4)
    assert failure_counts == [0, 1, 2, 3, 0]  # and the pauses are short again


async def test_a_missing_program_is_told_with_where_to_get_it_and_found_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "ngrok"
    async with tunnelled({"kind": "ngrok", "program": str(path)}) as run:
        state = await run.until(lambda state: state.phase is Phase.MISSING)
        assert state.why is not None
        assert str(path)[:20] in state.why
        assert "https://ngrok.com/download" in state.why
        program(tmp_path, "ngrok", f'echo "lvl=info msg=\\"started tunnel\\" obj=tunnels url={URL}"; exec sleep 1000')
        run.supervisor.restart("It was asked for.")
        assert (await run.up()).url == URL


async def test_a_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", "")
    Path(made).write_bytes(b"\x7fELF nonsense")
    async with tunnelled(command(made)) as run:
        assert "cannot be started: Exec format error" in str((await run.down()).why)


FLOODS = {
    "lines": "yes some words",
    "no line ever": "cat /dev/zero",
    "noise": "cat /dev/urandom",
    "long lines": "yes $(head -c 100000 /dev/zero | tr '\\0' x)",
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_a_flood_of_output_costs_neither_memory_nor_the_loop(tmp_path: Path, flood: str) -> None:
    import psutil  # noqa: PLC0415

    made = program(tmp_path, "tunnel", f"echo {URL}; exec {flood}")
    async with tunnelled(command(made)) as run:
        await run.up()
        own = psutil.Process()
        before, cpu = own.memory_info().rss, time.process_time()
        slowest = 0.0
        for _ in range(50):
            began = time.monotonic()
            await asyncio.sleep(0.01)
            slowest = max(slowest, time.monotonic() - began)
        assert own.memory_info().rss - before < 8_000_000
        assert time.process_time() - cpu < 0.3
        assert slowest < 0.2
        assert len(run.state.output) <= 200
        assert all(line == printable(line, limit=300) for line in run.state.output)


async def test_secrets_are_masked_wherever_they_are_printed(tmp_path: Path) -> None:
    secrets = MemorySecrets({"/token": "tok3n-0123456789"})
    made = program(
        tmp_path,
        "tunnel",
        f'echo "got $THE_TOKEN, $OTHER and callback"; echo {URL}; head -c 3985 /dev/zero | tr "\\0" x;'
        ' echo "$THE_TOKEN$THE_TOKEN"; echo end; exec sleep 1000',
    )
    table = command(made, token_file="/token", token_variable="THE_TOKEN", environment={"OTHER": "other-secret"})
    async with tunnelled(table, mask=lambda text: text.replace("callback", "***"), secret_store=secrets) as run:
        await run.up()
        state = await run.until(lambda state: "end" in state.output)
        assert state.output[0] == "got ***, *** and ***"
        assert "tok3n" not in repr(run.states) + repr(state)
        guard = Path(f"/proc/{state.pid}/cmdline").read_bytes()
        assert b"tok3n" not in guard
        assert b"tunnel" in guard


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "There is no file {path}, from which the tunnel's token is to be read."),
        (b"", "There is no token in {path}: it must be a single line."),
        (b"a\nb", "There is no token in {path}: it must be a single line."),
        (b"\xff\xfe", "The token in {path} cannot be read: it is no text of ASCII."),
    ],
)
async def test_a_token_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    made = program(tmp_path, "cloudflared", "exec sleep 1000")
    table = {"kind": "cloudflared", "program": made, "token_file": str(path)}
    async with tunnelled(table, secret_store=SecretFiles()) as run:
        assert (await run.down()).why == why.format(path=path)
        assert processes_with(made) == []


async def test_a_token_that_every_user_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("tok3n-0123456789")
    path.chmod(0o644)
    made = program(
        tmp_path, "cloudflared", '[ -n "$TUNNEL_TOKEN" ] && echo Registered tunnel connection; exec sleep 1000'
    )
    table = {"kind": "cloudflared", "program": made, "token_file": str(path)}
    async with tunnelled(table, public_url=URL, secret_store=SecretFiles()) as run:
        state = await run.up()
    assert state.warning == f"Every user of this computer can read the token in {path}: chmod 600 it."
    assert state.url == URL


CLOUDFLARED = """INF Requesting new quick Tunnel on trycloudflare.com...
INF +-------------------------------------------------------------+
INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
INF |  https://some-quick-words.trycloudflare.com                 |
INF +-------------------------------------------------------------+
ERR Failed to dial a quic connection error="failed to dial to edge with quic: timeout: no recent network activity"
"""


async def test_cloudflared_is_up_when_it_is_connected_not_when_it_has_an_address(tmp_path: Path) -> None:
    (tmp_path / "said").write_text(CLOUDFLARED)
    made = program(
        tmp_path, "cloudflared",
        f"cat {tmp_path}/said >&2; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done;"
        " echo 'INF Registered tunnel connection connIndex=0' >&2; exec sleep 1000",
    )  # fmt: skip
    async with tunnelled({"kind": "cloudflared-quick", "program": made}) as run:
        state = await run.until(lambda state: state.why)
        assert state.phase is Phase.STARTING
        assert state.url == "https://some-quick-words.trycloudflare.com"
        assert "port 7844" in str(state.why)
        assert "changes at each start" in str(state.warning)
        (tmp_path / "go").touch()
        assert (await run.up()).why is None


async def test_at_the_end_all_is_gone_that_the_program_started(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"{TREE}; echo {URL}; exec sleep 1000")
    async with tunnelled(command(made)) as run:
        state = await run.up()
        assert state.pid
        await wait_for_descendants(state.pid)
        pids = [state.pid, *descendants(state.pid)]
    assert living(pids) == []


async def wait_for_descendants(pid: int) -> None:
    end = time.monotonic() + 5
    while len(descendants(pid)) < 6:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_what_ends_by_itself_leaves_nothing_behind_either(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"{TREE}; echo {URL}; sleep 0.5; exit 0")
    async with tunnelled(command(made), timing=TunnelTiming(pause=lambda _: 60.0)) as run:
        state = await run.up()
        assert state.pid
        await wait_for_descendants(state.pid)
        pids = descendants(state.pid)
        await run.down()
        assert living(pids) == []


IGNORES_SIGNALS = f"trap '' TERM INT HUP; echo {URL}; while :; do sleep 0.1; done"


async def test_what_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", IGNORES_SIGNALS)
    began = time.monotonic()
    async with tunnelled(command(made), timing=TunnelTiming(grace=0.3)) as run:
        pids = descendants((await run.up()).pid or 0)
    assert living(pids) == []
    assert 0.3 < time.monotonic() - began < 5


async def test_a_child_of_the_program_that_ignores_the_request_to_end_is_killed_too(tmp_path: Path) -> None:
    ignoring = f"trap '' TERM; touch {tmp_path}/ignoring; exec sleep 1000"
    until_it_ignores = f"until test -e {tmp_path}/ignoring; do sleep 0.01; done"
    made = program(tmp_path, "tunnel", f'setsid sh -c "{ignoring}" & {until_it_ignores}; echo {URL}; exec sleep 1000')
    async with tunnelled(command(made), timing=TunnelTiming(grace=0.1)) as run:
        pids = descendants((await run.up()).pid or 0)
    assert len(pids) == 2
    assert living(pids) == []


async def test_what_ends_in_order_is_given_the_time_for_it(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"trap 'echo bye > {tmp_path}/bye; exit' TERM; echo {URL}; sleep 1000 & wait")
    async with tunnelled(command(made)) as run:
        await run.up()
    assert (tmp_path / "bye").read_text() == "bye\n"


async def test_a_guard_that_is_killed_takes_the_program_along_and_it_is_started_again(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"echo {URL}; sleep 1000 & exec sleep 1000")
    async with tunnelled(command(made), timing=NO_PAUSE) as run:
        state = await run.up()
        assert state.pid
        pids = descendants(state.pid)
        os.kill(state.pid, signal.SIGKILL)
        await run.until(lambda state: state.restarts == 1)
        wait_for(lambda: living(pids) == [])
        await run.up()


async def test_a_guard_that_is_asked_to_end_ends_the_program(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"{TREE}; echo {URL}; exec sleep 1000")
    async with tunnelled(command(made), timing=TunnelTiming(pause=lambda _: 60.0)) as run:
        state = await run.up()
        assert state.pid
        pids = descendants(state.pid)
        # the reaper ignores SIGINT, because Ctrl+C in a terminal is meant for trayalert
        os.kill(state.pid, signal.SIGINT)
        os.kill(state.pid, signal.SIGTERM)
        await run.down()
        assert living(pids) == []


@contextmanager
def parent(table: Mapping[str, Any]) -> Iterator["subprocess.Popen[str]"]:
    """Run a tunnel in another process, which plays trayalert."""
    script = (
        "import asyncio, json, sys\n"
        "from tests.services.tunnel.tunnelled import tunnelled\n"
        "async def main():\n"
        "    async with tunnelled(json.loads(sys.argv[1])) as run:\n"
        "        print((await run.up()).pid, flush=True)\n"
        "        await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, json.dumps(table)], stdout=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "lines", [f"{TREE}; echo {URL}; exec sleep 1000", f"{TREE}; {IGNORES_SIGNALS}"], ids=["tree", "deaf"]
)
def test_a_kill_of_trayalert_leaves_no_process_of_the_tunnel(tmp_path: Path, lines: str) -> None:
    made = program(tmp_path, "tunnel", lines)
    with parent(command(made)) as process:
        assert process.stdout
        guard = int(process.stdout.readline())
        wait_for(lambda: len(descendants(guard)) >= 6, deadline=10)
        pids = [guard, *descendants(guard)]
        assert living(pids) == pids  # control: the check sees the processes while they live
        process.kill()
        process.wait()
        wait_for(lambda: living(pids) == [], deadline=10)


async def test_the_guard_is_small(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", f"echo {URL}; exec sleep 1000")
    async with tunnelled(command(made)) as run:
        state = await run.up()
        used = Path(f"/proc/{state.pid}/smaps_rollup").read_text(encoding="utf-8")
    own = sum(int(size) for size in re.findall(r"Private_\w+: +(\d+) kB", used))
    assert own < 10_000


async def test_trayalerts_own_program_can_be_the_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the frozen build, there is no Python interpreter that could run the reaper."""
    made = program(tmp_path, "tunnel", f"echo {URL}; exec sleep 1000")
    ours = program(tmp_path, "trayalert", f'exec {sys.executable} -m trayalert "$@"')
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", ours)
    async with tunnelled(command(made)) as run:
        pids = descendants((await run.up()).pid or 0)
        assert living(pids) == pids
    assert living(pids) == []


async def test_a_pattern_that_stands_still_is_given_up(tmp_path: Path) -> None:
    made = program(tmp_path, "tunnel", "head -c 299 /dev/zero | tr '\\0' x; echo; exec sleep 1000")
    async with tunnelled(command(made, url_pattern="x*x*x*https")) as run:
        state = await run.until(lambda state: state.why)
        assert state.why == "tunnel.url_pattern takes too long on what the program prints: make it simpler."


def test_the_run_sees_what_lives(tmp_path: Path) -> None:
    """The control for `living` and `processes_with`."""
    (tmp_path / "file").touch()
    with subprocess.Popen(["tail", "-f", str(tmp_path / "file")]) as process:
        assert living([process.pid]) == [process.pid]
        assert len(processes_with(str(tmp_path))) == 1
        process.kill()
    assert living([process.pid]) == []
