import pytest

from trayalert.callbacks.kinds import KINDS
from trayalert.domain.incident.alert import State
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.wording.language import Language, ending_text, find_language, localised_duration, state_text

EN, ZH = Language.EN, Language.ZH


@pytest.mark.parametrize(
    ("setting", "locale_name", "language"),
    [
        ("en", "zh_CN.UTF-8", EN),
        ("zh", "", ZH),
        ("auto", "", EN),
        ("auto", "zh_CN.UTF-8", ZH),
        ("auto", "zh-Hans-CN", ZH),
        ("auto", "ZH", ZH),
        ("auto", "C", EN),
        ("auto", "de_DE.UTF-8", EN),
    ],
)
def test_the_setting_wins_and_auto_is_the_systems(setting: str, locale_name: str, language: Language) -> None:
    assert find_language(setting, locale_name) is language


def test_levels_states_endings_and_parts_are_said_in_both_languages() -> None:
    words = {*Level, *(word for kind in KINDS for word in kind.component_words.known.values())}
    assert {"disk", "stateful set"} <= words
    assert {word: EN.say(word) for word in words} == {word: word for word in words}
    assert all(ZH.say(word) for word in words)
    for language in Language:
        assert all(state_text(state, language) for state in State)
        assert all(ending_text(change, language) for change in (*Change, None))
    assert [ZH.say(level) for level in Level] == ["正常", "信息", "警告", "严重"]
    assert ending_text(Change.RESOLVED, ZH) == "手动恢复"
    assert ending_text(Change.RESOLVED, EN) == "recovered by hand"


def test_an_empty_text_is_empty_in_both_languages() -> None:
    assert (EN.say(""), ZH.say("")) == ("", "")


@pytest.mark.parametrize(
    ("seconds", "english", "chinese", "exact"),
    [
        (45, "45 s", "45 秒", "45 s"),
        (180, "3 min", "3 分钟", "3 min"),
        (185, "3 min", "3 分钟", "3 min 5 s"),
        (7500, "2 h 5 min", "2 小时 5 分钟", "2 h 5 min"),
        (86_400 * 4 + 7200, "4 d 2 h", "4 天 2 小时", "4 d 2 h"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: int, english: str, chinese: str, exact: str) -> None:
    assert localised_duration(seconds * 1000, EN) == english
    assert localised_duration(seconds * 1000, ZH) == chinese
    assert localised_duration(seconds * 1000, EN, seconds=True) == exact
