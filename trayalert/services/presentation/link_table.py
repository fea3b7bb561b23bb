"""Builds the table of console links from the built-in pages and the admin's own templates."""

import json
from collections import defaultdict
from functools import cache
from typing import Any

from trayalert.domain.incident.console_link import ANY_NAMESPACE, CHART, INSTANCE, RULES, LinkTable, LinkTemplate, Site
from trayalert.domain.settings.settings import Settings
from trayalert.resource_files import read_text


def link_table(settings: Settings) -> LinkTable:
    """Return the templates of console links for the site that the settings choose.

    A template in the settings replaces the built-in templates for the same page and namespace.
    """
    document = _document()
    templates = dict(_built_in(settings.site))
    for name, url in settings.console_links.items():
        page, namespace = (name, ANY_NAMESPACE) if name in {CHART, RULES} else (INSTANCE, name)
        others = (template for template in templates.get(namespace, ()) if template.page != page)
        templates[namespace] = (LinkTemplate(page=page, url=url, grade="settings"), *others)
    return LinkTable(templates=templates, categories=document["categories"], default_region=settings.default_region)


@cache
def _built_in(site: Site) -> dict[str, tuple[LinkTemplate, ...]]:
    templates: dict[str, list[LinkTemplate]] = defaultdict(list)
    for entry in _document()["pages"]:
        for namespace in entry["namespaces"]:
            templates[namespace].append(
                LinkTemplate(
                    page=entry["page"],
                    dimensions=tuple(entry["dimensions"]),
                    url=entry[site],
                    grade=entry["grade"][site],
                    weak=entry.get("weak", False),
                )
            )
    return {namespace: tuple(pages) for namespace, pages in templates.items()}


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(read_text("console_links.json"))
    return document
