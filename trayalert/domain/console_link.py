"""The console link: the page of the resource in the Alibaba Cloud console.

Ids come from a stranger's POST. So a value enters a path only where it looks like an id, every value is encoded,
and no link leaves here that is not https on a console host.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from trayalert.domain.alert import Alert
from trayalert.domain.resource import id_dimension, told

_ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
_REGION = re.compile(r"(?!.{41})[a-z][a-z0-9]*(?:-[a-z0-9]+){1,5}")
_HOSTS = (".console.aliyun.com", ".console.alibabacloud.com")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_LONGEST = 4_000
"""Longer links no browser is sure to take, nor any system's command line."""


class Site(enum.StrEnum):
    """Which of Alibaba Cloud's two consoles the account belongs to."""

    CHINA = "china"
    INTERNATIONAL = "international"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplate:
    """A page of one service: `url` with `{id}` and `{region}`; `dimensions` that may hold the id."""

    dimensions: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable:
    """The pages of one site: by namespace, and the metric chart for all others by the namespace's `categories`."""

    templates: Mapping[str, LinkTemplate]
    chart: str
    categories: Mapping[str, str]
    default_region: str | None = None


def console_link(alert: Alert, table: LinkTable) -> str | None:
    """Return the best link to the alert's resource; None where it names none."""
    link = _page(alert, table) or _chart(alert, table)
    return link if link and allowed(link) else None


def _page(alert: Alert, table: LinkTable) -> str | None:
    template = table.templates.get(alert.namespace or "")
    if template is None:
        return None
    number = next(filter(None, (told(alert.dimensions.get(name)) for name in template.dimensions)), None)
    region = _region(alert, table)
    if number is None or not _ID.fullmatch(number) or ("{region}" in template.url and region is None):
        return None
    return _filled(template.url, id=number, region=region or "")


def _chart(alert: Alert, table: LinkTable) -> str | None:
    dimension = id_dimension(alert.namespace, alert.dimensions)
    if not alert.namespace or dimension is None:
        return None
    category = table.categories.get(alert.namespace) or alert.namespace.removeprefix("acs_")
    return _filled(
        table.chart,
        category=category,
        dimension=dimension,
        id=alert.dimensions[dimension],
        region=_region(alert, table) or "all",
    )


def _region(alert: Alert, table: LinkTable) -> str | None:
    """Return the payload's region (`regionId`, else the dimension), else the admin's own default."""
    for region in (
        alert.region,
        alert.dimensions.get("region"),
        alert.dimensions.get("regionId"),
        table.default_region,
    ):
        if region and _REGION.fullmatch(region):
            return region
    return None


def _filled(template: str, **values: str) -> str:
    """Fill a template in one pass, so that no value is taken for a placeholder."""
    return re.sub(r"\{(\w+)\}", lambda match: quote(values[match[1]], safe="", errors="replace"), template)


def allowed(url: str) -> bool:
    """Whether a link may be opened: https, a console host of Alibaba Cloud, no user, no port, nothing unseen."""
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc
    return parts.scheme == "https" and port is None and bool(_HOST.fullmatch(host)) and host.endswith(_HOSTS)
