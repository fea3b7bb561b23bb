"""Measures the time from the POST to the `Notify` call on the session bus, through the whole tray application."""

import time
from functools import partial
from pathlib import Path

from tests.bench.figures import Figure, percentile
from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.session import Desktop, running_desktop
from tests.desktop.harness.stand_in import StandIn
from trayalert.services.notify.policy import BURST, CRITICAL_RESERVE

STARTS = 4


def measure(folder: Path) -> list[Figure]:
    lengths: list[float] = []
    with running_desktop(notifier=None) as desktop:
        for start in range(STARTS):
            own = folder / f"start-{start}"
            own.mkdir()
            lengths += _once(desktop, own)
    note = f"{len(lengths)} alerts, one at a time"
    return [
        Figure("POST to Notify, p50", percentile(lengths, 0.5), "ms", note=note),
        Figure("POST to Notify, p95", percentile(lengths, 0.95), "ms", ("<", 100), note),
    ]


def _once(desktop: Desktop, folder: Path) -> list[float]:
    """Start the program and post the largest number of alerts that it notifies immediately.

    Return the milliseconds from each POST to its `Notify` call. In a larger flood, the program deliberately delays some
    notifications.
    """
    notifier = StandIn(desktop.env, folder)
    app = Application(desktop, folder)
    assert app.url  # get the URL before the measurement: the property runs a command
    app.wait_for_tooltip("each")  # part of "Reach unknown": the tray is there, and the notifier, too
    lengths = []
    for number in range(BURST + CRITICAL_RESERVE):
        begun = time.monotonic_ns()
        assert app.post(threshold(f"i-{number}")) == 200
        wait_until(partial(_shows_more_than, notifier, number), "the notification is shown")
        lengths.append((notifier.shown[number].at - begun) / 1e6)
    app.stop()
    notifier.stop()
    return lengths


def _shows_more_than(notifier: StandIn, number: int) -> bool:
    return len(notifier.shown) > number
