from collections.abc import Callable

import pytest

from trayalert.domain.phrase import Phrase
from trayalert.services.access.secret_guesses import RECENT_SPAN, mistyped_text, secret_guesses_text, turned_away_text

NOW = 1_795_406_400_000


def test_who_probes_is_counted_and_named_with_a_hint_that_it_may_be_an_old_rule() -> None:
    text = secret_guesses_text(1200, NOW, "203.0.113.7", now=NOW + 1000)
    assert text is not None
    assert text.startswith("Someone is probing: 1,200 requests with a wrong secret, the last ")
    assert text.endswith(" from 203.0.113.7. An old URL in a console rule looks the same.")


@pytest.mark.parametrize("describe", [secret_guesses_text, turned_away_text, mistyped_text])
@pytest.mark.parametrize(
    ("number", "at"), [(0, None), (3, None), (1, NOW - RECENT_SPAN - 1), (3, NOW - RECENT_SPAN - 1)]
)
def test_what_was_long_ago_is_not_told(describe: Callable[..., str | None], number: int, at: int | None) -> None:
    assert describe(number, at, "203.0.113.7", now=NOW) is None
    assert describe(number or 1, NOW - RECENT_SPAN, "203.0.113.7", now=NOW) is not None


def test_an_address_that_is_none_is_one_clean_short_line() -> None:
    text = secret_guesses_text(1, NOW, "<b>\n\u202eevil" + "x" * 500, now=NOW)
    assert text is not None
    assert text.isprintable()
    assert len(text) < 250


def test_who_has_a_right_secret_and_is_kept_out_is_told_with_the_reason() -> None:
    text = turned_away_text(2, NOW, 'its host name is "\u202e<b>"', now=NOW)
    assert text is not None
    assert text.startswith("2 requests with a right secret were turned away, the last at ")
    assert 'its host name is "<b>". If that was one of your senders, its alert may be missing here.' in text


def test_a_mistyped_url_is_told_as_what_it_is() -> None:
    text = mistyped_text(1, NOW, "there is a slash at its end", now=NOW)
    assert text is not None
    assert text.startswith("1 request came to a mistyped callback URL and got 404 at ")
    assert "there is a slash at its end. Copy the callback URL" in text


@pytest.mark.parametrize("describe", [turned_away_text, mistyped_text])
def test_a_reason_that_can_be_translated_stays_so(describe: Callable[..., str | None]) -> None:
    reason = Phrase("its method is {method}", method="PUT")
    text = describe(1, NOW, reason, now=NOW)
    assert isinstance(text, Phrase)
    assert text.to_json()["values"]["reason"] == reason.to_json()
