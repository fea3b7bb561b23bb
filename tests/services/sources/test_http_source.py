"""The listener as the program runs it: for each reason, a refusal is announced once an hour."""

from pathlib import Path

from trayalert.app.platform.places import find_places
from trayalert.domain.events import CallbackRefused
from trayalert.domain.settings.settings import Settings
from trayalert.listener.refusals import RefusalCause
from trayalert.services.access.secret_guesses import RECENT_SPAN
from trayalert.services.access.secrets import Secrets
from trayalert.services.reachability.probe import SelfProbe
from trayalert.services.sources.http_source import HttpSource

NOON = 1_790_000_000_000


async def test_each_reason_is_announced_once_an_hour_and_what_the_log_tells_itself_never(tmp_path: Path) -> None:
    announced: list[CallbackRefused] = []
    places = find_places(str(tmp_path))
    now = NOON
    listener = HttpSource(
        Settings(), Secrets(places.secrets), places.access_log, on_refused=announced.append, self_probe=SelfProbe(),
        now=lambda: now, retry_seconds=None,
    )  # fmt: skip
    counts = listener.counts
    counts.turned_away, counts.last_turned_away_at, counts.last_turned_away_why = 2, NOON, "it came from a browser"
    counts.mistyped, counts.last_mistyped_at, counts.last_mistyped_why = 1, NOON, "there is a slash at its end"
    reasons = {
        # not the reason in `counts`, which a later refusal may have replaced
        RefusalCause.TOO_LARGE: "its body is too large",
        RefusalCause.MISTYPED: "there is a slash at its end",
        RefusalCause.NOT_STORED: "it could not be stored",
    }

    for _ in range(3):
        for cause in (RefusalCause.TOO_LARGE, RefusalCause.MISTYPED, RefusalCause.NOT_STORED):
            listener.announce_refusal(cause, reasons[cause])
    assert [one.cause for one in announced] == ["too large", "mistyped"]
    assert "its body is too large" in announced[0].message
    assert "there is a slash at its end" in announced[1].message

    now += RECENT_SPAN + 1
    counts.last_turned_away_at = now
    listener.announce_refusal(RefusalCause.TOO_LARGE, reasons[RefusalCause.TOO_LARGE])
    assert [one.cause for one in announced] == ["too large", "mistyped", "too large"]
