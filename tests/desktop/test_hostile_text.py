"""Names that an attacker chose, in every field, on a real desktop: they show as plain text, and nothing freezes."""

import os
from pathlib import Path

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard

pytestmark = pytest.mark.desktop

FIELDS = (
    "alertName", "instanceName", "metricName", "rawMetricName", "expression", "unit", "regionId", "regionName",
    "productGroupName", "curValue", "lastTime", "ruleId", "userId", "metricProject", "namespace", "<b>extra</b>",
)  # fmt: skip
NESTED = "<table><tr><td>" * 20 + "freeze"
HOSTILE = {
    "rich text that freezes a layout": NESTED,
    "an entity": "&amp;<b>&#x41;</b>&",
    "text that turns round": "\u202egnp.exe\u202c \u2066x\u2069 \u200bhidden",
    "4 KB": "long " * 760,
    "4 KB in one word": "x" * 3800,
    "NUL and other controls": "a\x00b\x07c\x1b[31md\r\ne",
    "emoji": "🔥👩‍👩‍👧‍👦 ＣＰＵ",
    "combining": "Z" + "\u0300" * 500,
}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Return a named pipe, which blocks every program that opens it to read it."""
    os.mkfifo(tmp_path / "trap.png")
    return tmp_path / "trap.png"


def test_hostile_text_is_shown_as_plain_text_and_nothing_freezes(
    application: Application, overheard: Overheard, trap: Path
) -> None:
    texts = [*HOSTILE.values(), f"<img src='file://{trap}'>"]
    application.show_window()
    for number, text in enumerate(texts):
        body = threshold(f"i-{number}", **dict.fromkeys(FIELDS, text))
        assert application.post(body) == 200

    application.wait_for_tooltip(f"{len(texts)} open, worst CRITICAL")

    wait_until(lambda: len(application.rows()) == len(texts), "a row for each")
    names = [row[3] for row in application.rows()]
    assert any(name.startswith("<table><tr><td><table>") for name in names)
    assert "&amp;<b>&#x41;</b>&" in names
    assert f"<img src='file://{trap}'>" in names
    assert not any(sign in "".join(names) for sign in "\u202e\u2066\u200b\x00\x07\x1b\r")
    for _row in texts:  # select each incident, which shows it in the details
        application.desktop.press("Up")
    assert application.show_window()
    assert any("&lt;table&gt;" in call.body for call in overheard.notified)
    assert not any("<" in call.body for call in overheard.notified)
    assert application.desktop.notifications()
    assert not any(sign in application.tray.tooltip for sign in "<>&")
    assert len(application.tray.menu) > len(texts) // 2
