"""The door as the program runs it: what was refused is announced once an hour for each reason."""

from pathlib import Path

import pytest

from trayalert.app import listener_lifecycle as doorway_module
from trayalert.app.listener_lifecycle import Doorway
from trayalert.app.platform.places import find_places
from trayalert.domain.events import CallbackRefused
from trayalert.domain.settings.settings import Settings
from trayalert.listener.refusals import Cause
from trayalert.services.access.secret_guesses import FRESH
from trayalert.services.access.secrets import Secrets
from trayalert.services.reachability.probe import SelfProbe

NOON = 1_790_000_000_000


async def test_each_reason_is_announced_once_an_hour_and_what_the_log_tells_itself_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[CallbackRefused] = []
    places = find_places(str(tmp_path))
    now = NOON
    monkeypatch.setattr(doorway_module, "now", lambda: now)
    doorway = Doorway(
        Settings(), Secrets(places.secrets), places.access_log, tell=lambda _: None, tell_refused=told.append,
        self_probe=SelfProbe(now=lambda: now),
    )  # fmt: skip
    counts = doorway.counts
    counts.turned_away, counts.last_turned_away_at, counts.last_turned_away_why = 2, NOON, "it came from a browser"
    counts.mistyped, counts.last_mistyped_at, counts.last_mistyped_why = 1, NOON, "there is a slash at its end"
    why = {
        Cause.TOO_LARGE: "its body is too large",  # and another one came before this was told
        Cause.MISTYPED: "there is a slash at its end",
        Cause.NOT_STORED: "it could not be stored",
    }

    for _ in range(3):
        for cause in (Cause.TOO_LARGE, Cause.MISTYPED, Cause.NOT_STORED):
            doorway._refused(cause, why[cause])
    assert [one.cause for one in told] == ["too large", "mistyped"]
    assert "its body is too large" in told[0].sentence
    assert "there is a slash at its end" in told[1].sentence

    now += FRESH + 1
    counts.last_turned_away_at = now
    doorway._refused(Cause.TOO_LARGE, why[Cause.TOO_LARGE])
    assert [one.cause for one in told] == ["too large", "mistyped", "too large"]
