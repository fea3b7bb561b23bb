"""The menu with the actions for one incident. The entries are created each time the menu opens."""

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import Phrase
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.text import printable
from trayalert.ui.backend import IncidentQueries, UserActions
from trayalert.ui.captions import CurrentLanguage
from trayalert.ui.widgets.safe_text import copy_text, show_caption

ShowResult = Callable[[str | None, str], None]
"""A function that shows the result of an action.

The first argument is a sentence that says what failed, or None if nothing failed. The second argument is a sentence
that says what was done. The second sentence is shown only if nothing failed.
"""


def open_console(
    incidents: IncidentQueries, actions: UserActions, stored: StoredIncident, page: str = ""
) -> str | None:
    """Open a console link of an incident in the browser. Return None on success, or a sentence that says what failed.

    The link is the incident's link to the console page `page`. If the incident has no such link, the best link is
    opened. If the browser cannot be opened, the link is copied to the clipboard.
    """
    links = incidents.console_links(stored)
    if not links:
        return Phrase("There is no console link for this resource.")
    return _open_link(actions, next((link for link in links if link.page == page), links[0]))


def _open_link(actions: UserActions, link: ConsoleLink) -> str | None:
    if actions.open_url(link.url):
        return None
    copy_text(link.url)
    return Phrase("The browser could not be opened. The console link is in the clipboard.")


class IncidentMenu:
    """Fills menus with the actions for an incident. The result of each action is passed to `show_result`."""

    def __init__(
        self, incidents: IncidentQueries, actions: UserActions, language: CurrentLanguage, show_result: ShowResult
    ) -> None:
        self._incidents = incidents
        self._actions = actions
        self._language = language
        self._show_result = show_result
        self._fill_again: Callable[[], None] | None = None

    def retranslate(self) -> None:
        """Fill the menu that was filled last again, in the current language."""
        if self._fill_again:
            self._fill_again()

    def fill(self, menu: QMenu, stored: StoredIncident, *, confirm_recovered: Callable[[int], None]) -> None:
        """Fill the menu with all actions: console links, copying, the admin's custom commands, and "Mark recovered".

        If the incident is open and the user chooses "Mark recovered", `confirm_recovered` is called with its id.
        """
        self._fill_again = partial(self.fill, menu, stored, confirm_recovered=confirm_recovered)
        language = self._language()
        menu.clear()
        links = self._incidents.console_links(stored)
        caption = language.say("Open in console")
        if links:
            caption = language.say("Open in console: {page}", page=links[0].title)
        menu.setDefaultAction(_add_entry(menu, caption, lambda: self._open(links[0]), enabled=bool(links)))
        self._add_further_links(menu, stored)
        _add_entry(menu, language.say("Copy link"), partial(self.copy_link, stored), enabled=bool(links))
        self._add_other_entries(menu, stored)
        if stored.incident.open:
            menu.addSeparator()
            _add_entry(menu, language.say("Mark recovered"), partial(confirm_recovered, stored.incident.id))

    def fill_further(self, menu: QMenu, stored: StoredIncident) -> None:
        """Fill the menu with the actions for which the details view has no button."""
        self._fill_again = partial(self.fill_further, menu, stored)
        menu.clear()
        self._add_further_links(menu, stored)
        self._add_other_entries(menu, stored)

    def copy_link(self, stored: StoredIncident) -> None:
        """Copy the incident's best console link to the clipboard. Do nothing if the incident has no link."""
        links = self._incidents.console_links(stored)
        if links:
            self._copy(links[0].url, Phrase("The console link is in the clipboard."))

    def _add_further_links(self, menu: QMenu, stored: StoredIncident) -> None:
        for link in self._incidents.console_links(stored)[1:]:
            _add_entry(menu, self._language().render(link.title), partial(self._open, link))
        menu.addSeparator()

    def _add_other_entries(self, menu: QMenu, stored: StoredIncident) -> None:
        # `printable` removes line breaks: the sender may be an attacker, and a shell runs pasted text at a line break
        resource_id = printable(stored.alert.alert.resource_id, limit=1000)
        language, copied = self._language(), Phrase("The resource ID is in the clipboard.")
        copy = partial(self._copy, resource_id, copied)
        _add_entry(menu, language.say("Copy resource ID"), copy, enabled=bool(resource_id))
        menu.addSeparator()
        for command in self._incidents.commands(stored):
            caption = command.name
            if command.problem:
                caption = language.say("{command} ({problem})", command=command.name, problem=command.problem)
            _add_entry(menu, caption, partial(self._run, command), enabled=not command.problem)

    def _open(self, link: ConsoleLink) -> None:
        self._show_result(_open_link(self._actions, link), Phrase("The console is opened in the browser."))

    def _copy(self, text: str, done: str) -> None:
        copy_text(text)
        self._show_result(None, done)

    def _run(self, command: FilledCommand) -> None:
        self._show_result(self._actions.run_command(command), Phrase("{command} is started.", command=command.name))


def _add_entry(menu: QMenu, caption: str, on_triggered: Callable[[], None], *, enabled: bool = True) -> QAction:
    entry = menu.addAction("")
    show_caption(entry, caption)
    entry.setEnabled(enabled)
    entry.triggered.connect(lambda _checked=False: on_triggered())
    return entry
