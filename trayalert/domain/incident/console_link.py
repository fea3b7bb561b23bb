"""Console links: the pages of the resource in the Alibaba Cloud console, the best first.

Ids come from a stranger's POST. So a value enters a path only if it looks like an id, every value is encoded, and every
link is https on a console host.
"""

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlsplit

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.resource import id_dimension, normalise_namespace, value_or_none

ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
REGION_ID = r"[a-z][a-z0-9]*(?:-[a-z0-9]+){1,5}"
REGION = re.compile(r"(?!.{41})" + REGION_ID)
ACCOUNT = re.compile(r"[0-9]{1,20}")
NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
HOSTS = (".console.aliyun.com", ".console.alibabacloud.com")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
PLACEHOLDERS = ("id", "region", "regionId", "account", "metric", "namespace", "category", "dimension")

ANY_NAMESPACE = "*"
"""The namespace of pages that every namespace has."""
INSTANCE, CHART, RULES = "instance", "chart", "rules"

_TITLES = {
    # by page, the best first; what the sender names and is not here comes behind `history`
    "resource": "Resource page",
    INSTANCE: "Instance page",
    "disk": "Disk page",
    "query": "Query",
    CHART: "Metric chart",
    "dashboard": "Dashboard",
    "rule": "Alert rule",
    "history": "Alert history",
    "host": "Host monitoring",
    "list": "Instance list",
    "hash": "Instance page (old address)",
    RULES: "Alert rules",
}
_RANKS = {page: rank for rank, page in enumerate(_TITLES)}
_BUILT_IN_PAGES = frozenset({INSTANCE, "disk", CHART, "host", "list", "hash", RULES})
_WORD = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MOST_SENDER_LINKS = 8
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_LONGEST = 4_000
"""Browsers and command lines may refuse longer links."""


class Site(enum.StrEnum):
    """Which of Alibaba Cloud's two consoles the account belongs to."""

    CHINA = "china"
    INTERNATIONAL = "international"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLink:
    """A page that may be opened. `page` is a word for what it shows, `title` the same for people.

    `grade` is the source of the address: `A`, `B`, `C` or `inferred` as in `resources/console_links.json`, `settings`
    (the admin's template) or `sender` (the callback).
    """

    page: str
    title: str
    url: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplate:
    """A page with placeholders in its `url`; `dimensions` may hold the id, none: whatever names the resource.

    `weak`: the chart is the better link.
    """

    page: str = INSTANCE
    dimensions: tuple[str, ...] = ()
    url: str
    grade: str
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable:
    """The pages of one site by namespace (ANY_NAMESPACE: of all), and each namespace's category in the metric chart.

    Of several templates for one page the first is taken that can be filled.
    """

    templates: Mapping[str, Sequence[LinkTemplate]]
    categories: Mapping[str, str]
    default_region: str | None = None


def console_links(alert: Alert, table: LinkTable) -> tuple[ConsoleLink, ...]:
    """Return the links to the alert's resource, rule and figures, the best first, each page and address once."""
    found: dict[str, ConsoleLink] = {}
    for _, link in sorted((*_sender_links(alert), *_table_links(alert, table)), key=lambda pair: pair[0]):
        if link.page not in found and all(link.url != other.url for other in found.values()):
            found[link.page] = link
    if not found.keys() - {RULES} or "rule" in found:  # the list of all rules is no page of this resource
        found.pop(RULES, None)
    return tuple(found.values())


def _sender_links(alert: Alert) -> Iterator[tuple[float, ConsoleLink]]:
    """Yield what the sender names, as far as it leads to the console, with its rank."""
    for page, url in islice(alert.links.items(), _MOST_SENDER_LINKS):
        if _WORD.fullmatch(page) and page not in _BUILT_IN_PAGES and is_allowed(url):
            title = _TITLES.get(page) or page.replace("_", " ").capitalize()
            rank = _RANKS.get(page, _RANKS["history"] + 0.5)
            yield rank, ConsoleLink(page=page, title=title, url=url, grade="sender")


def _table_links(alert: Alert, table: LinkTable) -> Iterator[tuple[float, ConsoleLink]]:
    """Yield the pages that the table has for the alert, with their rank."""
    namespace = normalise_namespace(alert.namespace)
    if not namespace:
        return
    for template in (*table.templates.get(namespace, ()), *table.templates.get(ANY_NAMESPACE, ())):
        url = _fill(template.url, _placeholder_values(template, alert, namespace, table))
        if url and is_allowed(url):
            rank = _RANKS[CHART] + 0.5 if template.weak else _RANKS[template.page]
            title = _TITLES[template.page]
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
    """Return the payload's region (`regionId`, else the dimension), else the admin's own default."""
    for region in (alert.region, alert.dimensions.get("region"), alert.dimensions.get("regionId"), default):
        if region and REGION.fullmatch(region):
            return region
    return None


def _fill(template: str, values: Mapping[str, str | None]) -> str | None:
    """Fill a template in one pass, so that no value is taken for a placeholder; None where one is missing or unfit.

    Encoding leaves `.` and `..` as they are, and a console reads paths behind `#` too. So only between `?` and `#`
    may a value be anything.
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
    """Whether a link may be opened: https, a console host of Alibaba Cloud, no user, no port, nothing unseen."""
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc
    return parts.scheme == "https" and port is None and bool(_HOST.fullmatch(host)) and host.endswith(HOSTS)
