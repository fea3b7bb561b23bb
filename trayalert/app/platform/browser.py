"""Opens links in the browser: $BROWSER where the person has named one, else the desktop's own way."""

import os
import shlex
import shutil
from collections.abc import Iterator

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from trayalert.app.platform.programs import start
from trayalert.domain.incident.console_link import is_allowed


def open_in_browser(url: str) -> bool:
    """Open an allow-listed link; False where it is none, or where there is no browser."""
    if not is_allowed(url):
        return False
    for arguments in _browser_commands(url):
        try:
            start(arguments)
        except OSError:
            continue
        return True
    return QDesktopServices.openUrl(QUrl(url))


def _browser_commands(url: str) -> Iterator[list[str]]:
    """Return the commands of $BROWSER (several with `:` between, `%s` for the link) that are on the PATH."""
    for command in os.environ.get("BROWSER", "").split(os.pathsep):
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        if words and shutil.which(words[0]):
            filled = [word.replace("%s", url) for word in words]
            yield filled if "%s" in command else [*words, url]
