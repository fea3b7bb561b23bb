"""Reachability end to end: the real program behind a real ssh tunnel that is killed, frozen and refused."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.program import ServeProcess, post, serving, wait_for
from tests.reached import (
    MAX_SECONDS_TO_BLIND,
    MAX_SECONDS_TO_REACHABLE,
    freeze,
    gaps,
    kill,
    refuse,
    status,
    tunnelled_program,
    wait_for_reach,
    write_settings,
)
from tests.sshd import Sshd, free_port, sshd


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


def test_a_callback_through_the_tunnel_is_stored_and_no_probe_ever_is(server: Sshd, tmp_path: Path) -> None:
    with tunnelled_program(server, tmp_path / "data") as program:
        found = status(program)
        assert found["tunnel"]["phase"] == "up"
        assert found["reach_since"] <= found["probed_at"] == found["reachable_at"]
        assert (found["deliveries"], found["alerts"], found["door_counts"]["own_probes"] > 0) == (0, 0, True)
        url = program.run("url").out.strip()
        assert url == f"{found['public_url']}/hook/{program.secret}"
        assert post(url, b"") == 200
        assert status(program)["deliveries"] == 1


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (kill, "closed the connection|its sshd is not"),
        (freeze, "within 5 s|did not|time"),
        (refuse, "AllowTcpForwarding"),
    ],
    ids=["killed", "frozen", "refused"],
)
def test_blind_is_shown_in_time_and_so_is_the_return(
    server: Sshd, tmp_path: Path, break_it: Callable[[Sshd], Callable[[], None]], words: str
) -> None:
    with tunnelled_program(server, tmp_path / "data") as program:
        proved = status(program)["reachable_at"]
        mend = break_it(server)
        blind = wait_for_reach(program, "blind", within=MAX_SECONDS_TO_BLIND)
        assert blind["reach_since"] >= proved
        wait_for(lambda: re.search(words, status(program)["reach_why"] or ""))
        mend()
        wait_for_reach(program, "reachable", within=MAX_SECONDS_TO_REACHABLE)
        (gap,) = (one for one in gaps(program) if one["cause"] == "blind")
        assert gap["began_at"] == blind["reach_since"]
        assert gap["ended_at"] is not None
        assert "the tunnel does not run" in program.end().err or break_it is freeze


def tunnel_processes(program: ServeProcess) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(program.process.pid).children(recursive=True)
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_tunnel_process_is_left_whatever_ends_the_program(
    server: Sshd, tmp_path: Path, number: signal.Signals
) -> None:
    with tunnelled_program(server, tmp_path / "data") as program:
        processes = tunnel_processes(program)
        assert any(one.name() == "ssh" for one in processes)
        program.end(number)
        wait_for(lambda: not any(one.is_running() and one.status() != "zombie" for one in processes))


def test_a_freeze_of_the_program_is_a_gap_and_takes_the_proof_away(server: Sshd, tmp_path: Path) -> None:
    with tunnelled_program(server, tmp_path / "data") as program:
        os.kill(program.process.pid, signal.SIGSTOP)
        began = time.time()
        wait_for(lambda: time.time() - began > 25)
        os.kill(program.process.pid, signal.SIGCONT)
        wait_for(lambda: gaps(program))
        (gap,) = gaps(program)
        assert gap["cause"] == "asleep"
        assert 20 <= gap["seconds"] <= 40
        wait_for_reach(program, "reachable")


def test_another_public_address_is_shouted_until_it_is_the_old_one_again(tmp_path: Path) -> None:
    printed = tmp_path / "address"
    script = tmp_path / "tunnel"
    script.write_text(f"#!/bin/sh\ncat {printed}\nexec sleep 1000\n")
    script.chmod(0o755)
    command = {"kind": "command", "command": [str(script)], "url_pattern": "at (http://\\S+)"}
    write_settings(tmp_path / "data", tunnel=command)
    one, other = "http://127.0.0.1:9", "http://127.0.0.2:9"
    for address, before in ((one, None), (other, one), (other, one), (one, None)):
        printed.write_text(f"noise\nserving at {address}\n")
        with serving(tmp_path / "data") as program:
            wait_for_reach(program, "blind")
            found = status(program)
            assert found["public_url"] == address
            assert found["url_changed"] == (before and {"before": before, "now": address})
            assert ("URL CHANGED" in program.run("status").out) is (before is not None)
            assert program.run("url").out.startswith(f"{address}/hook/")


def test_what_was_off_is_a_gap_of_the_next_run(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as program:
        assert gaps(program) == []
        program.end(signal.SIGKILL)
    ended = time.time()
    wait_for(lambda: time.time() - ended > 1.5)
    with serving(tmp_path / "data") as program:
        (gap,) = gaps(program)
        assert (gap["cause"], gap["ended_at"] is not None, gap["seconds"] >= 1) == ("off", True, True)


def test_with_no_public_address_nothing_is_green_and_it_says_what_lacks(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as program:
        found = status(program)
        assert found["reach"] == "unknown"
        assert "No public address" in found["reach_why"]
    stopped = json.loads(program.run("status", "--json").out)
    assert (stopped["reach"], stopped["tunnel"]) == ("blind", None)


def test_metrics_on_the_doors_own_port_keep_no_callback_out(tmp_path: Path) -> None:
    port = free_port()
    write_settings(tmp_path, metrics_port=port)
    with serving(tmp_path, "--port", str(port)) as program:
        assert post(program.url) == 200
        assert "taken by another program" in program.end().err
