"""The best of an alert's console links, which a click opens."""

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.console_link import LinkTable, console_links


def best_link(alert: Alert, table: LinkTable) -> str | None:
    """Return the address of the best link, or None if there is no link."""
    links = console_links(alert, table)
    return links[0].url if links else None
