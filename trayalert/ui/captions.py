"""The constant texts of a widget, such as the captions of its buttons, in the current language."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QTranslator

from trayalert.domain.wording.language import Language

CurrentLanguage = Callable[[], Language]
"""Returns the language that the user has chosen. The user may choose another language while a widget is shown."""
_QT_CATALOGUES: Final = {Language.ZH: "qtbase_zh_CN"}
"""Maps each language except English to the name of the catalogue with Qt's own texts."""


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


class QtCaptions:
    """Shows Qt's own texts, such as the caption of the button Close, in the current language."""

    def __init__(self, language: CurrentLanguage) -> None:
        self._language = language
        self._shown: Language | None = None
        self._translator = QTranslator()

    def retranslate(self) -> None:
        """Show Qt's own texts in the current language, or in English if Qt comes without a catalogue of it."""
        language = self._language()
        if language is self._shown:
            return
        self.remove()
        self._shown = language
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if language in _QT_CATALOGUES and self._translator.load(_QT_CATALOGUES[language], folder):
            QCoreApplication.installTranslator(self._translator)

    def remove(self) -> None:
        """Show Qt's own texts in English."""
        QCoreApplication.removeTranslator(self._translator)
        self._shown = None
