"""Which language the program speaks: the setting, else the system's own."""

import os

from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import Language, find_language


def own_language(settings: Settings) -> Language:
    """Return the language in which alerts are told to the person."""
    return find_language(settings.language, os.environ)
