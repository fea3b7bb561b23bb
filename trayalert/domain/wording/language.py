"""The languages of the user interface. Text that scripts read is never translated.

The code contains every text in English, and the catalogue in `resources/translations/` contains its translations. A
constant that is shown later is marked with `N_`. Where no language is known, the code makes a `Phrase`.
"""

import enum
import functools
import gettext
from collections.abc import Callable

from trayalert.domain.incident.alert import State
from trayalert.domain.incident.incident import Change
from trayalert.domain.phrase import N_, Catalogue, Phrase
from trayalert.domain.times import Millis, duration_text


class Language(enum.StrEnum):
    """A language of the user interface."""

    EN = "en"
    ZH = "zh"

    def say(self, template: str, /, **values: object) -> str:
        """Return a text in this language. `template` is the English text, with named fields for the values.

        The catalogue must contain the template. Phrases among the values are translated, too.
        """
        return self.render(Phrase(template, **values))

    def says(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Return a text about a number of things in this language. The templates may contain the field `{count}`."""
        return self.render(Phrase.counted(one, many, count, **values))

    def render(self, text: str) -> str:
        """Return a phrase in this language, and any other text unchanged."""
        if not isinstance(text, Phrase):
            return text
        return text.english if self is Language.EN else text.render(_catalogue(self))


_read_catalogue: Callable[[str], Catalogue] = lambda _: gettext.NullTranslations()  # noqa: E731


@functools.cache
def _catalogue(language: Language) -> Catalogue:
    return _read_catalogue(language)


def use_catalogues(read: Callable[[str], Catalogue]) -> None:
    """Set the function that reads the catalogue of a language, such as `zh`, when the language is first used.

    Until this function is called, all texts are English.
    """
    global _read_catalogue  # noqa: PLW0603 - one program has one set of catalogues
    _read_catalogue = read
    _catalogue.cache_clear()


_ENDINGS = {
    Change.RECOVERED: N_("recovered"),
    Change.RESOLVED: N_("recovered by hand"),
    Change.SUPERSEDED: N_("superseded"),
    Change.EXPIRED: N_("expired"),
}
_STATES = {State.ALERT: N_("ALERT"), State.OK: N_("OK"), State.INSUFFICIENT_DATA: N_("no data")}


def find_language(setting: str, locale_name: str) -> Language:
    """Return the language that `setting` names or, if `setting` is `auto`, the language of the locale.

    `locale_name` is the name of the locale of the user's messages, such as `zh_CN.UTF-8` or `zh-Hans-CN`. Every
    language except Chinese counts as English.
    """
    if setting in list(Language):
        return Language(setting)
    return Language.ZH if locale_name.lower().startswith("zh") else Language.EN


def localised_duration(length: Millis, language: Language, *, seconds: bool = False) -> str:
    """Format a duration, such as `3 min` or `2 小时 5 分钟`.

    If `seconds` is true, a duration of less than an hour also shows seconds: `3 min 20 s`.
    """
    return language.render(duration_text(length, seconds=seconds))


def state_text(state: State, language: Language) -> str:
    """Return the state of an alert as a word in the given language."""
    return language.say(_STATES[state])


def ending_text(closed_by: Change | None, language: Language) -> str:
    """Return the word for how an incident ended, in the given language."""
    return language.say(_ENDINGS.get(closed_by, N_("closed")) if closed_by else N_("closed"))
