"""The language of the command line: of its output, its errors and its help.

The setting `language` decides, and by default the system's language. The texts that click writes itself come from the
same catalogue, because click looks its texts up with `gettext`.
"""

import gettext
import os
from collections.abc import Sequence

from trayalert.app.platform.places import PlaceFault, find_places, read_settings
from trayalert.app.platform.system_language import system_locale
from trayalert.domain.wording.language import Language, find_language
from trayalert.resource_files import resource_path
from trayalert.translations import DOMAIN, FOLDERS

_OPTION = "--data-dir"
_VARIABLE = "LANGUAGE"
"""The environment variable that decides for gettext, before LC_ALL and LANG."""

_language = Language.EN
_former = os.environ.get(_VARIABLE)


def choose_language(arguments: Sequence[str]) -> None:
    """Set the language for a command line, before click parses it. Settings that cannot be read are ignored here."""
    global _language  # noqa: PLW0603 - a process runs one command line
    try:
        setting = read_settings(find_places(_data_dir(arguments)))[0].language
    except PlaceFault:
        setting = "auto"
    restore_environment()  # an earlier call in this process may have changed what the user has set
    _language = find_language(setting, system_locale())
    gettext.bindtextdomain(DOMAIN, resource_path("translations"))
    gettext.textdomain(DOMAIN)
    os.environ[_VARIABLE] = FOLDERS.get(_language, _language)


def restore_environment() -> None:
    """Undo what `choose_language` did to the environment. Click writes no text after that.

    Called before the receiver or the tray starts, so that tunnels, the browser and the user's programs do not inherit
    the change.
    """
    if _former is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = _former


def own_language() -> Language:
    """Return the language of this command line."""
    return _language


def say(template: str, /, **values: object) -> str:
    """Return a text in the language of the command line. The arguments are as for `Language.say`."""
    return _language.say(template, **values)


def says(one: str, many: str, count: int, /, **values: object) -> str:
    """Return a text about a number of things. The arguments are as for `Language.says`."""
    return _language.says(one, many, count, **values)


def render(text: str) -> str:
    """Return a phrase in the language of the command line, and any other text unchanged."""
    return _language.render(text)


def _data_dir(arguments: Sequence[str]) -> str | None:
    """Return the data dir that a command line or the environment names. The last option counts, as for click."""
    named = None
    for place, argument in enumerate(arguments):
        if argument == _OPTION:
            named = next(iter(arguments[place + 1 : place + 2]), None)
        elif argument.startswith(f"{_OPTION}="):
            named = argument.removeprefix(f"{_OPTION}=")
    return named or os.environ.get("TRAYALERT_DATA_DIR")
