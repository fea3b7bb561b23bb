"""The locale of the user's messages, on each system."""

import pytest

from trayalert.app.platform.system_language import system_locale

APPLE_LANGUAGES = '(\n    "zh-Hans-CN",\n    "en-CN"\n)\n'


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, ""),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN.UTF-8"),
        ({"LANG": "zh_TW", "LC_MESSAGES": "C"}, "C"),
        ({"LC_ALL": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE.UTF-8", "LANG": "C"}, "zh_CN.UTF-8"),
        ({"LC_ALL": "", "LC_MESSAGES": "ZH", "LANG": "en_US.UTF-8"}, "ZH"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh_CN"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": ""}, "en_US.UTF-8"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": ":zh"}, "zh"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh_CN"}, "C.UTF-8"),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN"}, "POSIX"),
        ({"LANGUAGE": "zh_CN"}, ""),
    ],
)
def test_the_environment_decides_as_for_gettext(environment: dict[str, str], name: str) -> None:
    assert system_locale(environment, platform="linux") == name


@pytest.mark.parametrize(("language", "name"), [(0x0804, "zh_CN"), (0x0404, "zh_TW"), (0x0407, "de_DE"), (0, "")])
def test_on_windows_the_language_of_the_user_interface_decides(language: int, name: str) -> None:
    assert system_locale({"LANG": "fr_FR"}, platform="win32", read_windows_language=lambda: language) == name


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"AppleLanguages": APPLE_LANGUAGES, "AppleLocale": "en_US\n"}, "zh-Hans-CN"),
        ({"AppleLanguages": "(\n    en\n)\n"}, "en"),
        ({"AppleLocale": "zh_CN\n"}, "zh_CN"),
        ({"AppleLanguages": "(\n)\n"}, ""),
        ({}, ""),
    ],
)
def test_on_macos_the_settings_decide_if_the_environment_does_not(settings: dict[str, str], name: str) -> None:
    def read(setting: str) -> str:
        return settings.get(setting, "")

    assert system_locale({}, platform="darwin", read_macos_setting=read) == name
    assert system_locale({"LANG": "de_DE.UTF-8"}, platform="darwin", read_macos_setting=read) == "de_DE.UTF-8"


def test_where_macos_has_no_settings_the_locale_is_unknown() -> None:
    assert system_locale({}, platform="darwin") == ""
