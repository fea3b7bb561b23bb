"""5,000 alerts arrive while the program runs with its window open: no alert is lost, and nothing freezes."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard
from trayalert.domain.callback import FORM
from trayalert.services.simulator.client import CallbackSender
from trayalert.services.simulator.payloads import SimulatedRequest

pytestmark = [pytest.mark.desktop, pytest.mark.alone]

ALERTS = 5_000
SENDERS = 4


def send_alerts(url: str, first: int) -> set[int]:
    """Send every alert whose number is `first` plus a multiple of SENDERS, and return the statuses of the answers."""
    sender = CallbackSender(url)
    bodies = (threshold(f"i-{number:04}", alertName=f"rule {number:04}") for number in range(first, ALERTS, SENDERS))
    statuses = {sender.send(SimulatedRequest(content_type=FORM, body=body)).status for body in bodies}
    sender.close()
    return {status or 0 for status in statuses}


def test_5000_alerts_are_counted_and_shown_and_disturb_only_a_handful_of_times(
    application: Application, overheard: Overheard
) -> None:
    window = application.show_window()
    begun = time.monotonic()

    with ThreadPoolExecutor(SENDERS) as senders:
        statuses = list(senders.map(lambda first: send_alerts(application.url, first), range(SENDERS)))
    assert statuses == [{200}] * SENDERS

    application.wait_for_tooltip(f"{ALERTS} open, worst CRITICAL")
    status = application.status()
    assert (status["alerts"], status["open_incidents"], status["unrecognised"]) == (ALERTS, ALERTS, 0)
    handful = 8 + 1 + (time.monotonic() - begun) / 6 + 1  # 8 immediately, the summary, and one more every six seconds
    shown = [call for call in overheard.notified if not call.replaces]
    assert 0 < len(shown) <= handful, overheard.titles()
    assert 0 < len(application.desktop.notifications()) <= handful
    wait_until(lambda: any("more incidents, worst CRITICAL" in title for title in overheard.titles()), "a summary")
    application.desktop.minimise(window)
    wait_until(lambda: not application.windows(), "the window is minimised")
    started = time.monotonic()
    application.show_window()
    assert time.monotonic() - started < 5
    wait_until(lambda: len(application.rows()) == ALERTS, "a row for each")
