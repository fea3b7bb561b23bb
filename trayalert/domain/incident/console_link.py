"""Console links: links to the pages for a resource in the Alibaba Cloud console.

The values in a link come from callbacks, and a hostile sender can forge them. Therefore these rules apply:

- Every value is percent-encoded.
- A value is put into a path only if it looks like an id.
- Every link must use https and a host of the console.
"""

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlsplit

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.resource import id_dimension, normalise_namespace, value_or_none
from trayalert.domain.phrase import N_, Phrase

ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
REGION_ID = r"[a-z][a-z0-9]*(?:-[a-z0-9]+){1,5}"
REGION = re.compile(r"(?!.{41})" + REGION_ID)
ACCOUNT = re.compile(r"[0-9]{1,20}")
NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
HOSTS = (".console.aliyun.com", ".console.alibabacloud.com")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
PLACEHOLDERS = ("id", "region", "regionId", "account", "metric", "namespace", "category", "dimension")

ANY_NAMESPACE = "*"
"""The key in `LinkTable.templates` for the templates that apply to every namespace."""
INSTANCE, CHART, RULES = "instance", "chart", "rules"

_TITLES = {
    # keyed by page, the best page first; a page that is not listed here is ranked directly after `history`
    "resource": N_("Resource page"),
    INSTANCE: N_("Instance page"),
    "disk": N_("Disk page"),
    "query": N_("Query"),
    CHART: N_("Metric chart"),
    "dashboard": N_("Dashboard"),
    "rule": N_("Alert rule"),
    "history": N_("Alert history"),
    "host": N_("Host monitoring"),
    "list": N_("Instance list"),
    "hash": N_("Instance page (old address)"),
    RULES: N_("Alert rules"),
}
_RANKS = {page: rank for rank, page in enumerate(_TITLES)}
_BUILT_IN_PAGES = frozenset({INSTANCE, "disk", CHART, "host", "list", "hash", RULES})
_WORD = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MOST_SENDER_LINKS = 8
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_LONGEST = 4_000
"""Maximum length of a link. Browsers and command lines may refuse a longer link."""


class Site(enum.StrEnum):
    """The two consoles of Alibaba Cloud. Each account belongs to one of the two."""

    CHINA = "china"
    INTERNATIONAL = "international"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLink:
    """A link that has passed `is_allowed` and may be opened."""

    page: str
    """A word that says what the page shows, such as `instance`."""
    title: str
    """The title of the page. The title is a Phrase, unless it is derived from a word of the sender."""
    url: str
    grade: str
    """Where the link comes from.

    `A`, `B`, `C` and `inferred` are grades of evidence, which `resources/console_links.json` explains. `settings` means
    that the admin has written the template, and `sender` means that the callback contained the link.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplate:
    """The template of a link. Its `url` contains placeholders."""

    page: str = INSTANCE
    dimensions: tuple[str, ...] = ()
    """Names of the dimensions that may contain the resource's id.

    If empty, the dimension that names the resource contains the id.
    """
    url: str
    grade: str
    weak: bool = False
    """Whether the metric chart is more useful than this page. If true, the page is ranked after the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable:
    """The link templates of one site."""

    templates: Mapping[str, Sequence[LinkTemplate]]
    """The templates, keyed by namespace.

    If several templates are for the same page, the first template that can be filled is used.
    """
    categories: Mapping[str, str]
    """The category to insert into the address of the metric chart, keyed by namespace."""
    default_region: str | None = None
    """The region from the admin's settings, for alerts that contain no region."""


def console_links(alert: Alert, table: LinkTable) -> tuple[ConsoleLink, ...]:
    """Return the links for an alert, best link first. No two links have the same page or the same address."""
    found: dict[str, ConsoleLink] = {}
    for _, link in sorted((*_sender_links(alert), *_table_links(alert, table)), key=lambda pair: pair[0]):
        if link.page not in found and all(link.url != other.url for other in found.values()):
            found[link.page] = link
    if not found.keys() - {RULES} or "rule" in found:  # the list of all rules alone says nothing about the alert
        found.pop(RULES, None)
    return tuple(found.values())


def _sender_links(alert: Alert) -> Iterator[tuple[float, ConsoleLink]]:
    """Yield the console links that the callback contains, each together with its rank."""
    for page, url in islice(alert.links.items(), _MOST_SENDER_LINKS):
        if _WORD.fullmatch(page) and page not in _BUILT_IN_PAGES and is_allowed(url):
            title = Phrase(_TITLES[page]) if page in _TITLES else page.replace("_", " ").capitalize()
            rank = _RANKS.get(page, _RANKS["history"] + 0.5)
            yield rank, ConsoleLink(page=page, title=title, url=url, grade="sender")


def _table_links(alert: Alert, table: LinkTable) -> Iterator[tuple[float, ConsoleLink]]:
    """Yield the links that can be made from the table's templates, each together with its rank.

    A template is skipped if the alert has no valid value for one of the template's placeholders.
    """
    namespace = normalise_namespace(alert.namespace)
    if not namespace:
        return
    for template in (*table.templates.get(namespace, ()), *table.templates.get(ANY_NAMESPACE, ())):
        url = _fill(template.url, _placeholder_values(template, alert, namespace, table))
        if url and is_allowed(url):
            rank = _RANKS[CHART] + 0.5 if template.weak else _RANKS[template.page]
            title = Phrase(_TITLES[template.page])
            yield rank, ConsoleLink(page=template.page, title=title, url=url, grade=template.grade)


def _placeholder_values(
    template: LinkTemplate, alert: Alert, namespace: str, table: LinkTable
) -> dict[str, str | None]:
    named = (name for name in template.dimensions if value_or_none(alert.dimensions.get(name)))
    dimension = next(named, None) if template.dimensions else id_dimension(namespace, alert.dimensions)
    region = region_of(alert, table.default_region) or ("all" if template.page == CHART else None)
    account = alert.account_id or ""
    return {
        "id": alert.dimensions[dimension] if dimension else None,
        "dimension": dimension,
        "region": region,
        "regionId": region,
        "account": account if ACCOUNT.fullmatch(account) else None,
        "metric": alert.metric,
        "namespace": namespace,
        "category": table.categories.get(namespace) or namespace.removeprefix("acs_"),
    }


def region_of(alert: Alert, default: str | None) -> str | None:
    """Return the first valid region among the alert's `region`, its dimensions and the default.

    Return None if there is no valid region.
    """
    for region in (alert.region, alert.dimensions.get("region"), alert.dimensions.get("regionId"), default):
        if region and REGION.fullmatch(region):
            return region
    return None


def _fill(template: str, values: Mapping[str, str | None]) -> str | None:
    """Return the template with its placeholders filled, or None if a value is missing or not allowed.

    The template is filled in one pass, so that a placeholder inside a value is not filled. Any value is allowed between
    `?` and `#`. In all other places, a value must look like an id. Percent-encoding does not change `.` and `..`, so a
    forged value in a path could lead to another page. A value after `#` must also look like an id, because a console
    may read a path there.
    """
    filled, end = "", 0
    for match in PLACEHOLDER.finditer(template):
        before, value = template[: match.start()], values.get(match[1])
        in_query = "?" in before and "#" not in before
        if not value or not (in_query or ID.fullmatch(value)):
            return None
        filled += template[end : match.start()] + quote(value, safe="", errors="replace")
        end = match.end()
    return filled + template[end:]


def is_allowed(url: str) -> bool:
    """Return whether a link may be opened.

    A link must use https and a console host of Alibaba Cloud. A link must not contain a user name, a port, a space, a
    backslash or an invisible character, because a hostile sender could use these to lead the user to another site.
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc
    return parts.scheme == "https" and port is None and bool(_HOST.fullmatch(host)) and host.endswith(HOSTS)
