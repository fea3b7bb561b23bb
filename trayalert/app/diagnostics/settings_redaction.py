"""Redacts the settings in a bundle, so that the bundle can be sent to the developers.

The redacted settings still show which settings are set. A value is shown if it is a number, true or false, or a word
that trayalert or Alibaba Cloud defines. All other strings are hidden.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import urlsplit

from trayalert.domain.settings.expected_callback import ExpectedCallback
from trayalert.domain.settings.settings import LANGUAGES, OVERLAY_MODES, Settings
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.tunnel import Tunnel

_SHOWN_SETTINGS = frozenset({"site", "default_region", "language", "strip", "level"})
"""Settings whose values are words that trayalert or Alibaba Cloud defines."""
_OWN_WORDS = frozenset({*LANGUAGES, *OVERLAY_MODES, *PRESETS, "china", "international"})
_KEYS = frozenset(each.name for kind in (Settings, Tunnel, ExpectedCallback) for each in fields(kind))


def redacted_settings(settings: Settings, hide: Callable[[str], str]) -> dict[str, Any]:
    """Return all settings in redacted form, keyed by setting name.

    `hide` is called with each string that must be hidden, and returns the replacement.
    """
    return {each.name: _redact(each.name, getattr(settings, each.name), hide) for each in fields(settings)}


def _redact(name: str, value: Any, hide: Callable[[str], str]) -> Any:
    if value is None or isinstance(value, bool | int | float) or name in _SHOWN_SETTINGS:
        return value
    if isinstance(value, str):
        return value if value in PRESETS else hide(value)
    if is_dataclass(value):
        return {each.name: _redact(each.name, getattr(value, each.name), hide) for each in fields(value)}
    if isinstance(value, Mapping):
        return {hide(str(key)): _redact("", each, hide) for key, each in value.items()}
    return [_redact("", each, hide) for each in value]


def foreign_texts(toml: str) -> Iterator[str]:
    """Yield the strings that the admin has chosen in the settings. Other files may quote these strings.

    `toml` is the content of the settings file. Words that trayalert or Alibaba Cloud defines are left out. Raise
    ValueError if `toml` is not valid TOML.
    """
    yield from _texts(tomllib.loads(toml))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _parts(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from () if key in _KEYS else (key,)
            yield from () if key in _SHOWN_SETTINGS else _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _parts(text: str) -> Iterator[str]:
    """Yield the parts of a string that may occur alone in other files.

    The parts of a URL are its host and its path. The only part of another string is the whole string. A word that
    trayalert defines has no parts.
    """
    if text in _OWN_WORDS:
        return
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme and parts.hostname:
        yield parts.hostname
        yield parts.path.strip("/")
    else:
        yield text
