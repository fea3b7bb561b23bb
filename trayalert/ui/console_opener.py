"""The click on an incident. Its rule: where the console cannot be opened, the person is told in a sentence."""

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredIncident
from trayalert.ui.backend import Backend
from trayalert.ui.widgets.safe_text import copy_text


def open_console(backend: Backend, stored: StoredIncident, page: str = "") -> str | None:
    """Open the incident's link to that page, else its best one; return what to say where that failed."""
    links = backend.console_links(stored)
    if not links:
        return "There is no console link for this resource."
    return open_link(backend, next((link for link in links if link.page == page), links[0]))


def open_link(backend: Backend, link: ConsoleLink) -> str | None:
    """Open a link; return what to say where that failed (the link is then in the clipboard)."""
    if backend.open_url(link.url):
        return None
    copy_text(link.url)
    return "The browser could not be opened. The console link is in the clipboard."
