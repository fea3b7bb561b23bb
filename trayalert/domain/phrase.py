"""A text for the user that is made where no language is known, such as the message of a fault.

A `Phrase` is an English string, and can therefore be stored, compared and written to JSON like any other string. It
also keeps its template and its values, so that `Language.render` can return it in another language when it is shown.
An operation that makes a new string from a phrase, such as `+` or an f-string, returns plain English text.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, Self


class Catalogue(Protocol):
    """The translations into one language. `gettext.NullTranslations` defines these methods."""

    def gettext(self, message: str, /) -> str:
        """Return the translation of a template. If there is none, return the template."""

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """Return the translation that suits `count`. If there is none, return `one` or `many`."""


def N_(text: str) -> str:  # noqa: N802 (gettext's name)
    """Return the text unchanged. The call only marks a constant that is translated when it is shown."""
    return text


def as_sentence(text: str) -> str:
    """Return the text of a fault with its first letter in upper case.

    The text of a fault begins in lower case, because the command line prints it after `trayalert: `. A text that begins
    with `trayalert` is returned unchanged. The result is a Phrase if `text` is a Phrase.
    """
    if isinstance(text, Phrase):
        return text.with_form("sentence")
    return text if text.startswith("trayalert") else text[:1].upper() + text[1:]


def as_clause(text: str) -> str:
    """Return a sentence without its full stop, for use within another sentence.

    The result is a Phrase if `text` is a Phrase.
    """
    return text.with_form("clause") if isinstance(text, Phrase) else text.rstrip(".。")


def first_sentence(text: str) -> str:
    """Return the first sentence of a text. The result is a Phrase if `text` is a Phrase."""
    if isinstance(text, Phrase):
        return Phrase(_WHOLE, text=text).with_form("first sentence")
    return _SENTENCE_END.split(text, maxsplit=1)[0]


def further_sentences(text: str) -> str:
    """Return a text without its first sentence, and with its first letter in upper case.

    The result is a Phrase if `text` is a Phrase.
    """
    if isinstance(text, Phrase):
        return Phrase(_WHOLE, text=text).with_form("further sentences")
    return as_sentence("".join(_SENTENCE_END.split(text, maxsplit=1)[1:]))


_SENTENCE_END = re.compile(r"(?<=\.) |(?<=。)(?=.)", re.DOTALL)
_WHOLE = "{text}"
"""A template for a changed phrase, which is the same in every language."""

_FORMS: dict[str, Callable[[str], str]] = {
    "": str,
    "sentence": as_sentence,
    "clause": as_clause,
    "first sentence": first_sentence,
    "further sentences": further_sentences,
}


class Phrase(str):
    """A text in English that can be rendered in other languages.

    `template` is the English text with named fields, such as `{path}`, as the catalogue contains it. `values` are the
    values of the fields: numbers, strings or phrases. Any other value is converted to a string. A value without a field
    is dropped, so that it is neither stored nor sent with the phrase. Without values, the template is the text, and
    braces have no meaning.
    """

    __slots__ = ("_form", "_plural", "_template", "_values")

    _template: str
    _plural: str
    _values: dict[str, Any]
    _form: str

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Return the phrase with the given template."""
        return cls._make(template, "", _used(values, template), "")

    @classmethod
    def counted(cls, one: str, many: str, count: int, /, **values: object) -> Self:
        """Return the phrase for a number of things. If `count` is 1, the template is `one`, otherwise `many`.

        The template can contain the number as `{count}`.
        """
        return cls._make(one, many, {"count": count} | _used(values, many), "")

    @classmethod
    def _make(cls, template: str, plural: str, values: dict[str, Any], form: str) -> Self:
        used = plural if plural and values["count"] != 1 else template
        english = {name: value.english if isinstance(value, Phrase) else value for name, value in values.items()}
        self = super().__new__(cls, _FORMS[form](used.format(**english) if values else used))
        self._template, self._plural, self._values, self._form = template, plural, values, form
        return self

    @property
    def english(self) -> str:
        """The text as a plain string."""
        return super().__str__()

    def render(self, catalogue: Catalogue) -> str:
        """Return the text in the language of the catalogue."""
        if self._plural:
            template = catalogue.ngettext(self._template, self._plural, self._values["count"])
        else:
            template = self._template and catalogue.gettext(self._template)  # gettext("") is the catalogue's header
        values = {name: _render(value, catalogue) for name, value in self._values.items()}
        text = template.format(**values) if values else template
        return text if self._form == "sentence" else _FORMS[self._form](text)  # only English begins with a capital

    def with_form(self, form: str) -> "Phrase":
        """Return the phrase as the function of this form in `_FORMS` changes it. An earlier change is kept."""
        if self._form:
            return Phrase(_WHOLE, text=self).with_form(form)
        return self._make(self._template, self._plural, self._values, form)

    def __str__(self) -> str:
        """Return the phrase itself. Therefore `str(fault)` is a phrase if the fault was raised with one."""
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self  # immutable

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` turns back into the phrase."""
        values = {name: encode_phrases(value) for name, value in self._values.items()}
        return {"phrase": self._template, "plural": self._plural, "values": values, "form": self._form}

    @classmethod
    def from_json(cls, made: dict[str, Any]) -> Self:
        """Return the phrase of a JSON object. Raise an exception if `to_json` did not make the object."""
        values = {name: _decode(value) for name, value in made["values"].items()}
        if made["plural"] and type(values["count"]) is not int:
            raise TypeError("the number of things is no whole number")
        return cls._make(made["phrase"], made["plural"], values, made["form"])


SENTENCES = N_("{sentence} {next}")
"""How sentences are put together. Chinese needs no space between them."""
NAMES = N_("{name}, {next}")
"""How names in a list are put together."""


class PhraseList(Phrase):
    """Several phrases in one text, with a separator between them.

    `separator` is SENTENCES, NAMES, or a text such as " or " that is marked with `N_`.
    """

    __slots__ = ("_parts",)

    _parts: tuple[str, ...]

    def __new__(cls, parts: Iterable[str], /, *, separator: str = SENTENCES) -> Self:
        """Return the parts as one phrase. Empty parts are left out."""
        kept = tuple(part for part in parts if part)
        self = str.__new__(cls, _between(separator).join(kept))
        self._template, self._plural, self._values, self._form = separator, "", {}, ""
        self._parts = kept
        return self

    def render(self, catalogue: Catalogue) -> str:
        """Return the text in the language of the catalogue."""
        return _between(catalogue.gettext(self._template)).join(str(_render(part, catalogue)) for part in self._parts)

    def with_form(self, form: str) -> Phrase:
        """Return the list with its first part changed ("sentence") or its last ("clause")."""
        parts = list(self._parts)
        if parts:
            place = 0 if form == "sentence" else -1
            parts[place] = _FORMS[form](parts[place])
        return PhraseList(parts, separator=self._template)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` turns back into the list."""
        return {"phrases": encode_phrases(self._parts), "separator": self._template}


def _between(separator: str) -> str:
    """Return the text between two parts, for a separator with or without fields."""
    return re.sub(r"\{\w+\}", "", separator)


def _render(value: Any, catalogue: Catalogue) -> Any:
    return value.render(catalogue) if isinstance(value, Phrase) else value


def encode_phrases(value: Any) -> Any:
    """Return a JSON value in which an object replaces each phrase. Tuples become lists."""
    match value:
        case Phrase():
            return value.to_json()
        case dict():
            return {name: encode_phrases(each) for name, each in value.items()}
        case list() | tuple():
            return [encode_phrases(each) for each in value]
        case _:
            return value


def decode_phrases(value: Any) -> Any:
    """Return the JSON value from which `encode_phrases` made `value`.

    Raise ValueError if an object that looks like a phrase cannot be one.
    """
    try:
        return _decode(value)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError(f"no phrase: {error!r}") from error


def _decode(value: Any) -> Any:
    match value:
        case {"phrase": str(), "plural": str(), "values": dict(), "form": str()}:
            return Phrase.from_json(value)
        case {"phrases": list(parts), "separator": str(separator)}:
            return PhraseList(_decode(parts), separator=separator)
        case dict():
            return {name: _decode(each) for name, each in value.items()}
        case list():
            return [_decode(each) for each in value]
        case _:
            return value


def phrase_to_text(text: str | None) -> str | None:
    """Return a text for a column of the log, which `phrase_from_text` turns back into the phrase.

    The text is ASCII, because a value may be a path that is not UTF-8, which SQLite would not store.
    """
    return json.dumps(text.to_json()) if isinstance(text, Phrase) else text


def phrase_from_text(stored: str | None) -> str | None:
    """Return the phrase that was stored. Return any other text, including a damaged phrase, unchanged."""
    if stored is None or not stored.startswith('{"phrase'):
        return stored
    try:
        found = decode_phrases(json.loads(stored))
    except (ValueError, RecursionError):
        return stored
    return found if isinstance(found, Phrase) else stored


def _used(values: Mapping[str, object], template: str) -> dict[str, Any]:
    """Return the values that have a field in the template, as numbers, strings and phrases."""
    return {
        name: value if isinstance(value, str | int | float) else str(value)
        for name, value in values.items()
        if f"{{{name}" in template
    }
