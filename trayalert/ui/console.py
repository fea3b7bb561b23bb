"""The click on an incident. Its rule: where the console cannot be opened, the person is told in a sentence."""

from trayalert.domain.stored import StoredIncident
from trayalert.ui.desk import Desk
from trayalert.ui.plain import copy_text


def open_console(desk: Desk, stored: StoredIncident) -> str | None:
    """Open the incident's console link; return what to say where that failed (the link is then in the clipboard)."""
    url = desk.console_url(stored)
    if url is None:
        return "There is no console link for this resource."
    if desk.open_url(url):
        return None
    copy_text(url)
    return "The browser could not be opened. The console link is in the clipboard."
