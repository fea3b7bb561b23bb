"""The click on an incident. Its rule: where the console cannot be opened, the person is told in a sentence."""

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredIncident
from trayalert.ui.backend import Desk
from trayalert.ui.safe_text import copy_text


def open_console(desk: Desk, stored: StoredIncident, page: str = "") -> str | None:
    """Open the incident's link to that page, else its best one; return what to say where that failed."""
    links = desk.console_links(stored)
    if not links:
        return "There is no console link for this resource."
    return open_link(desk, next((link for link in links if link.page == page), links[0]))


def open_link(desk: Desk, link: ConsoleLink) -> str | None:
    """Open a link; return what to say where that failed (the link is then in the clipboard)."""
    if desk.open_url(link.url):
        return None
    copy_text(link.url)
    return "The browser could not be opened. The console link is in the clipboard."
