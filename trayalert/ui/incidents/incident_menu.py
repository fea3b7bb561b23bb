"""What can be done with one incident, as entries of a menu. Its rule: it asks and wishes through the desk.

The entries are made anew each time the menu opens: what is known of an incident changes.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.settings.custom_command import Offer
from trayalert.domain.text import printable
from trayalert.ui.backend import Desk
from trayalert.ui.console_opener import open_link
from trayalert.ui.safe_text import copy_text, show_caption

Tell = Callable[[str | None, str], None]
"""Takes what went wrong, None where nothing did, and what was done."""


def fill_menu(menu: QMenu, desk: Desk, stored: StoredIncident, tell: Tell) -> None:
    """Fill the menu with all: open, the further links, copy, the person's own commands."""
    menu.clear()
    links = desk.console_links(stored)
    where = f"Open in console: {links[0].title}" if links else "Open in console"
    best = _add(menu, where, lambda: _open(desk, links[0], tell), enabled=bool(links))
    menu.setDefaultAction(best)
    _add_links(menu, desk, stored, tell)
    menu.addSeparator()
    _add(menu, "Copy link", partial(copy_link, desk, stored, tell), enabled=bool(links))
    _add_rest(menu, desk, stored, tell)


def fill_further_menu(menu: QMenu, desk: Desk, stored: StoredIncident, tell: Tell) -> None:
    """Fill the menu with what stands on no button beside it."""
    menu.clear()
    _add_links(menu, desk, stored, tell)
    menu.addSeparator()
    _add_rest(menu, desk, stored, tell)


def copy_link(desk: Desk, stored: StoredIncident, tell: Tell) -> None:
    """Copy the best link."""
    links = desk.console_links(stored)
    if links:
        copy_text(links[0].url)
        tell(None, "The console link is in the clipboard.")


def _add_links(menu: QMenu, desk: Desk, stored: StoredIncident, tell: Tell) -> None:
    for link in desk.console_links(stored)[1:]:
        _add(menu, link.title, partial(_open, desk, link, tell))


def _add_rest(menu: QMenu, desk: Desk, stored: StoredIncident, tell: Tell) -> None:
    number = printable(stored.alert.alert.resource_id, limit=1000)  # a line end would run what is pasted in a terminal
    _add(menu, "Copy resource ID", partial(_copy_id, number, tell), enabled=bool(number))
    commands = desk.commands(stored)
    if commands:
        menu.addSeparator()
    for wanted in commands:
        words = f"{wanted.name} ({wanted.missing})" if wanted.missing else wanted.name
        _add(menu, words, partial(_run, desk, wanted, tell), enabled=not wanted.missing)


def _add(menu: QMenu, words: str, do: Callable[[], None], *, enabled: bool = True) -> QAction:
    entry = menu.addAction("")
    show_caption(entry, words)
    entry.setEnabled(enabled)
    entry.triggered.connect(lambda _checked=False: do())
    return entry


def _open(desk: Desk, link: ConsoleLink, tell: Tell) -> None:
    tell(open_link(desk, link), "The console is opened in the browser.")


def _copy_id(number: str, tell: Tell) -> None:
    copy_text(number)
    tell(None, "The resource ID is in the clipboard.")


def _run(desk: Desk, wanted: Offer, tell: Tell) -> None:
    tell(desk.run_command(wanted), f"{wanted.name} is started.")
