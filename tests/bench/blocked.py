"""Measures how a blocked UI delays the answers to callbacks, and whether a flood leaves events waiting in the UI."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.bench.figures import Figure, percentile
from tests.desktop.harness.application import threshold
from tests.desktop.harness.session import Desktop, running_desktop
from trayalert.domain.callback import FORM
from trayalert.services.simulator.client import CallbackSender
from trayalert.services.simulator.payloads import SimulatedRequest

HELD = 3.0
RATE, FLOOD = 1000, 10.0


def measure(folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    with running_desktop() as desktop:
        with _running_application(desktop, folder / "blocked") as (url, send, receive):
            free = _response_times(url, HELD)
            for kind, what in (("sleep", "UI held outside Python"), ("spin", "UI spinning in Python")):
                send(f"{kind} {HELD}")
                receive()
                held = _response_times(url, HELD)
                delay = max(held) - percentile(free, 0.5)
                figures.append(Figure(f"{what} 3 s: delay", delay, "ms", ("<", 50), f"worst of {len(held)} answers"))
        with _running_application(desktop, folder / "flood") as (url, send, receive):
            sent = _flood(url)
            time.sleep(1.0)
            send("backlog")
            state = receive()
            figures.append(
                Figure("backlog 1 s after a flood", state["waiting"], "events", ("<=", 0), f"{sent:.0f}/s, 10 s")
            )
    return figures


@contextmanager
def _running_application(desktop: Desktop, data_dir: Path) -> Iterator[tuple[str, Any, Any]]:
    data_dir.mkdir()
    command = [sys.executable, "-m", "tests.bench.watched", "--port", "0", "--data-dir", str(data_dir)]
    with subprocess.Popen(
        command, env=desktop.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        ask = [sys.executable, "-m", "trayalert", "url", "--data-dir", str(data_dir)]
        url = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        assert url.startswith(address)
        time.sleep(1.0)  # wait until the start is over: the program at rest is measured
        stdin, stdout = process.stdin, process.stdout
        yield url, lambda text: _send_line(stdin, text), lambda: json.loads(stdout.readline())
        process.terminate()


def _send_line(stdin: IO[str], text: str) -> None:
    stdin.write(text + "\n")
    stdin.flush()


def _response_times(url: str, seconds: float) -> list[float]:
    """Post 50 callbacks a second for `seconds`, less 0.2 s, and return the milliseconds that each answer took."""
    post, lengths, end = CallbackSender(url), [], time.monotonic() + seconds - 0.2
    number = 0
    while time.monotonic() < end:
        begun = time.perf_counter()
        assert post.send(SimulatedRequest(content_type=FORM, body=threshold(f"i-{number % 20}"))).accepted
        lengths.append((time.perf_counter() - begun) * 1000)
        number += 1
        time.sleep(0.02)
    post.close()
    return lengths


def _flood(url: str) -> float:
    """Post RATE callbacks a second for FLOOD seconds over four connections, and return the rate that was reached."""
    begun = time.monotonic()
    threads = [threading.Thread(target=_post_share, args=(url, begun, lane)) for lane in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return RATE * FLOOD / (time.monotonic() - begun)


def _post_share(url: str, begun: float, lane: int) -> None:
    post = CallbackSender(url)
    for number in range(lane, int(RATE * FLOOD), 4):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        assert post.send(SimulatedRequest(content_type=FORM, body=threshold(f"i-{number % 1000}"))).accepted
    post.close()
