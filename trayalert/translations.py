"""Reads the catalogues of translations, which the build compiles from `resources/translations/`."""

import gettext
import logging

from trayalert.domain.phrase import Catalogue
from trayalert.resource_files import resource_path

DOMAIN = "trayalert"
"""The name of the catalogue's file."""

FOLDERS = {"zh": "zh_CN"}
"""Maps each language that has a catalogue to the name of its folder."""
_log = logging.getLogger(__name__)


def read_catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language such as `zh`. If the file is missing, all texts are English."""
    folder = resource_path("translations")
    try:
        return gettext.translation(DOMAIN, folder, [FOLDERS.get(language, language)])
    except OSError as error:
        _log.warning("there is no catalogue of the language %s in %s: %s", language, folder, error)
        return gettext.NullTranslations()
