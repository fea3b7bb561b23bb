"""The program's own deliveries about an expected callback, which no HTTP request can imitate."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.callbacks.bodies import callback
from tests.callbacks.other_bodies import CARRIERS, KINDS, changed
from trayalert.callbacks.kinds import read_callback
from trayalert.callbacks.silence import SilenceStatus, silence_callback, silence_key
from trayalert.domain.callback import INTERNAL_METHOD
from trayalert.domain.incident.alert import SILENCE, UNRECOGNISED, Alert, State
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.expected_callback import ExpectedCallback
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import message_lines, name_text

NOON = 1_790_000_000_000
BACKUP = ExpectedCallback(name='nightly "backup"', hours=25, level=Level.CRITICAL, rule="backup")
SILENT = silence_callback(BACKUP, SilenceStatus.SILENT, last_at=NOON, at=NOON + 5, now=NOON + 9)


def silence_alert(status: SilenceStatus, *, last_at: int | None = NOON) -> Alert:
    (alert,) = read_callback(silence_callback(BACKUP, status, last_at=last_at, at=NOON + 5, now=NOON + 9))
    return alert


def test_a_silence_burns_until_it_was_heard_or_is_expected_no_more() -> None:
    silent, received, dropped = map(silence_alert, SilenceStatus)

    assert [one.state for one in (silent, received, dropped)] == [State.ALERT, State.OK, State.OK]
    assert [one.level for one in (silent, received, dropped)] == [Level.CRITICAL, Level.OK, Level.OK]
    assert {one.key for one in (silent, received, dropped)} == {silence_key(BACKUP.name)}
    assert len({one.identity for one in (silent, received, dropped)}) == 3
    assert (silent.kind, silent.name, silent.at) == (SILENCE, BACKUP.name, NOON + 5)
    assert silent.message == 'No callback of nightly "backup" for 25 h (last 2026-09-21 14:13 UTC)'
    assert dropped.message == 'nightly "backup" is no longer expected (last 2026-09-21 14:13 UTC)'


def test_it_is_told_in_both_languages() -> None:
    silent = silence_alert(SilenceStatus.SILENT, last_at=None)

    assert name_text(silent, Language.EN) == 'No callback of nightly "backup"'
    assert name_text(silent, Language.ZH) == '没有收到“nightly "backup"”的回调'
    assert message_lines(silent, Language.EN) == ("Silent for 25 h, none yet",)
    assert message_lines(silent, Language.ZH) == ("已 25 小时未收到回调，此前从未收到",)
    for status in SilenceStatus:
        for language in Language:
            at = NOON + 25 * 3_600_000
            (alert,) = read_callback(silence_callback(BACKUP, status, last_at=NOON, at=at, now=at))
            (line,) = message_lines(alert, language)
            assert re.search(r"\b09-2[12] \d\d:\d\d", line)
            assert "2026" not in line


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), st.floats(1e-5, 8784))
def test_any_name_and_any_hours_are_read_back(name: str, hours: float) -> None:
    expected = ExpectedCallback(name=name, hours=hours, rule="x")
    (alert,) = read_callback(silence_callback(expected, SilenceStatus.SILENT, last_at=None, at=NOON, now=NOON))
    assert (alert.kind, alert.name) == (SILENCE, name)


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "own", ""])
def test_no_request_can_say_it(method: str) -> None:
    (alert,) = read_callback(replace(SILENT, method=method))
    assert alert.kind == UNRECOGNISED


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("name", KINDS)
def test_no_other_kind_is_taken_for_it(name: str, carrier: str) -> None:
    _, document = KINDS[name]
    for extra in ({}, {"trayalert": "silence", "name": "x", "status": "heard"}):
        sent = CARRIERS[carrier]({**document, **extra})
        assert all(alert.kind != SILENCE for alert in read_callback(replace(sent, method=INTERNAL_METHOD)))


@pytest.mark.parametrize(
    "change",
    [
        {"trayalert": "x"}, {"status": "burning"}, {"at": None}, {"at": "x"}, {"hours": "many"}, {"name": 7.5, "at": 1},
        {"more": 1}, {"level": None}, {"hours": None},
    ],
)  # fmt: skip
def test_what_is_not_as_it_is_written_is_not_read(change: dict[str, object]) -> None:
    body = json.dumps(changed(json.loads(SILENT.body), **change)).encode()
    (alert,) = read_callback(replace(callback(body), method=INTERNAL_METHOD))
    assert alert.kind == UNRECOGNISED
