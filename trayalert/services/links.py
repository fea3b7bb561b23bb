"""Loads the table of console pages for the site that the admin uses."""

import json
from functools import cache
from typing import Any

from trayalert.domain.console_link import LinkTable, LinkTemplate
from trayalert.domain.settings import Settings
from trayalert.resource_files import read_text


def link_table(settings: Settings) -> LinkTable:
    """Return the pages of the site in the settings."""
    document = _document()
    templates = {
        namespace: LinkTemplate(dimensions=tuple(entry["dimensions"]), url=entry[settings.site])
        for entry in document["links"]
        for namespace in entry["namespaces"]
    }
    return LinkTable(
        templates=templates,
        chart=document["chart"][settings.site],
        categories=document["categories"],
        default_region=settings.default_region,
    )


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(read_text("console_links.json"))
    return document
