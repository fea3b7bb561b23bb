"""Proves that `serve` answers callbacks as fast as usual while a notification channel hangs or fails.

`python -m tests.soak.listener.failing_channels serve ...` runs `trayalert serve` with the channel that the environment
variable CHANNEL names.
"""

import os
from collections.abc import Callable
from pathlib import Path

import click

from tests.bench.figures import Figure
from tests.services.notify.channels import FailingChannel, HangingChannel, MemoryChannel
from tests.soak.harness.instance import started
from tests.soak.harness.steady import SteadyResult, meanwhile
from trayalert.app.headless import serve
from trayalert.cli.command_base import address_options, data_dir_option
from trayalert.cli.run_commands import owned_plan

RATE = 1000
MODULE = "tests.soak.listener.failing_channels"

_CHANNELS: dict[str, Callable[[], MemoryChannel]] = {
    "memory": MemoryChannel,
    "hanging": HangingChannel,
    "failing": lambda: FailingChannel(ConnectionError("nobody answers")),
}
NAMES = ("none", *_CHANNELS)


def send_to_channel(folder: Path, name: str, *, rate: float = RATE, seconds: float = 5.0) -> SteadyResult:
    """Send `rate` alerts per second to a receiver with the named channel. Each alert is about a different resource."""
    with (
        started(folder / name, module=MODULE, CHANNEL=name) as instance,
        meanwhile(instance.url, rate=rate, seconds=seconds) as steady,
    ):
        pass
    return steady


def measure(folder: Path, seconds: float = 10.0, rounds: int = 5) -> list[Figure]:
    """Compare the p99 with each channel to the p99 without a channel.

    In each round, every channel is measured once. For each channel, the median of all rounds counts.
    """
    found: dict[str, list[SteadyResult]] = {name: [] for name in NAMES}
    for turn in range(rounds):
        for name in NAMES:
            found[name].append(send_to_channel(folder / str(turn), name, seconds=seconds))
    without = median_p99(found["none"])
    return [
        Figure("1,000/s, no channel: p99", without, "ms"),
        *(
            Figure(f"1,000/s, {name} channel: p99 / none", median_p99(found[name]) / without, "", ("<", 1.25))
            for name in _CHANNELS
        ),
        Figure("1,000/s: refused", sum(one.refused for some in found.values() for one in some), "", ("<=", 0)),
    ]


def median_p99(results: list[SteadyResult]) -> float:
    """Return the median of all rounds' p99, in milliseconds."""
    return sorted(one.p99 for one in results)[len(results) // 2]


@click.group()
def _main() -> None: ...


@_main.command("serve")
@data_dir_option
@address_options
def _serve(host: str | None, port: int | None) -> None:
    make = _CHANNELS.get(os.environ["CHANNEL"])
    with owned_plan("serve", host, port) as plan:
        serve(plan, channels=[make()] if make else [])


if __name__ == "__main__":
    _main()
