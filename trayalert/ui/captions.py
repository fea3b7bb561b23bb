"""The constant texts of a widget, such as the captions of its buttons, in the current language."""

from collections.abc import Callable

from trayalert.domain.wording.language import Language

CurrentLanguage = Callable[[], Language]
"""Returns the language that the user has chosen. The user may choose another language while a widget is shown."""


class Captions:
    """Shows constant texts, and shows them again in another language."""

    def __init__(self, language: CurrentLanguage) -> None:
        self._language = language
        self._bound: list[tuple[Callable[[str], object], str]] = []

    def bind(self, show: Callable[[str], object], template: str) -> None:
        """Call `show` with the text in the current language, now and whenever the language changes.

        `template` is a text without fields that is marked with `N_`.
        """
        self._bound.append((show, template))
        show(self._language().say(template))

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        language = self._language()
        for show, template in self._bound:
            show(language.say(template))
