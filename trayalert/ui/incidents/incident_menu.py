"""What can be done with one incident, as entries of a menu. Its rule: it queries and requests through the backend.

The entries are made anew each time the menu opens: what is known of an incident changes.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.text import printable
from trayalert.ui.backend import Backend
from trayalert.ui.widgets.safe_text import copy_text, show_caption

ShowResult = Callable[[str | None, str], None]
"""Takes what went wrong, None where nothing did, and what was done."""


def open_console(backend: Backend, stored: StoredIncident, page: str = "") -> str | None:
    """Open the incident's link to `page`, else its best link; return a sentence if that failed."""
    links = backend.console_links(stored)
    if not links:
        return "There is no console link for this resource."
    return _open_link(backend, next((link for link in links if link.page == page), links[0]))


def _open_link(backend: Backend, link: ConsoleLink) -> str | None:
    if backend.open_url(link.url):
        return None
    copy_text(link.url)
    return "The browser could not be opened. The console link is in the clipboard."


def fill_menu(menu: QMenu, backend: Backend, stored: StoredIncident, show_result: ShowResult) -> None:
    """Fill the menu with all: open, the further links, copy, the person's own commands."""
    menu.clear()
    links = backend.console_links(stored)
    caption = f"Open in console: {links[0].title}" if links else "Open in console"
    default = _add_entry(menu, caption, lambda: _open(backend, links[0], show_result), enabled=bool(links))
    menu.setDefaultAction(default)
    _add_links(menu, backend, stored, show_result)
    menu.addSeparator()
    _add_entry(menu, "Copy link", partial(copy_link, backend, stored, show_result), enabled=bool(links))
    _add_other_entries(menu, backend, stored, show_result)


def fill_further_menu(menu: QMenu, backend: Backend, stored: StoredIncident, show_result: ShowResult) -> None:
    """Fill the menu with what stands on no button beside it."""
    menu.clear()
    _add_links(menu, backend, stored, show_result)
    menu.addSeparator()
    _add_other_entries(menu, backend, stored, show_result)


def copy_link(backend: Backend, stored: StoredIncident, show_result: ShowResult) -> None:
    """Copy the best link."""
    links = backend.console_links(stored)
    if links:
        copy_text(links[0].url)
        show_result(None, "The console link is in the clipboard.")


def _add_links(menu: QMenu, backend: Backend, stored: StoredIncident, show_result: ShowResult) -> None:
    for link in backend.console_links(stored)[1:]:
        _add_entry(menu, link.title, partial(_open, backend, link, show_result))


def _add_other_entries(menu: QMenu, backend: Backend, stored: StoredIncident, show_result: ShowResult) -> None:
    resource_id = printable(stored.alert.alert.resource_id, limit=1000)  # a line end runs what is pasted in a terminal
    _add_entry(menu, "Copy resource ID", partial(_copy_id, resource_id, show_result), enabled=bool(resource_id))
    commands = backend.commands(stored)
    if commands:
        menu.addSeparator()
    for command in commands:
        caption = f"{command.name} ({command.problem})" if command.problem else command.name
        _add_entry(menu, caption, partial(_run, backend, command, show_result), enabled=not command.problem)


def _add_entry(menu: QMenu, caption: str, on_triggered: Callable[[], None], *, enabled: bool = True) -> QAction:
    entry = menu.addAction("")
    show_caption(entry, caption)
    entry.setEnabled(enabled)
    entry.triggered.connect(lambda _checked=False: on_triggered())
    return entry


def _open(backend: Backend, link: ConsoleLink, show_result: ShowResult) -> None:
    show_result(_open_link(backend, link), "The console is opened in the browser.")


def _copy_id(resource_id: str, show_result: ShowResult) -> None:
    copy_text(resource_id)
    show_result(None, "The resource ID is in the clipboard.")


def _run(backend: Backend, command: FilledCommand, show_result: ShowResult) -> None:
    show_result(backend.run_command(command), f"{command.name} is started.")
