"""The built-in table of metrics, made from Alibaba's documentation of 2021: a title in each language, and a unit.

The table has 2,616 rows. It is kept as text, and only the rows of metrics that occur are parsed: parsing all rows would
take 18 ms, on a thread that answers callbacks or paints the window, and 2 MB.
"""

import csv
import re
from functools import cache, lru_cache
from typing import NamedTuple

from trayalert.domain.incident.resource import normalise_namespace
from trayalert.domain.wording.language import Language
from trayalert.domain.wording.unit import unit_or_none
from trayalert.resource_files import read_text

_CHINESE = re.compile("[\u4e00-\u9fff]")
_TITLE_NOTES = re.compile(
    r"^[(（](?:ECS|Agent)[)）]\s*(?:ECS\.)?|\s*[(（](?:Recommend|Not recommend|推荐|不推荐|废弃|Deprecated)[)）]$"
)
"""Matches notes in the titles of metrics: who measures the metric, and whether rules should use the metric."""


class Metric(NamedTuple):
    """A row of the table. One of the two titles can be empty."""

    title_en: str
    title_zh: str
    unit: str | None

    def title(self, language: Language) -> str:
        """Return the title in `language`, which can be empty. A title without Chinese characters is not Chinese."""
        if language is Language.ZH:
            return self.title_zh if _CHINESE.search(self.title_zh) else ""
        return self.title_en


_LONGEST = 100
"""Maximum length of a namespace and of a metric's id that are looked up. No name in the table is longer.

A sender may send names of any length, which must not fill the cache.
"""


def find_metric(namespace: str | None, metric: str | None) -> Metric | None:
    """Return the metric with the given namespace and id, or None if the table lacks the metric.

    Cloud Monitor spells a namespace differently in rules and in callbacks. Both spellings are accepted.
    """
    if not namespace or not metric or len(namespace) > _LONGEST or len(metric) > _LONGEST:
        return None
    return _find(namespace, metric)


@lru_cache(maxsize=1024)
def _find(namespace: str, metric: str) -> Metric | None:
    for line in _lines().get(normalise_namespace(namespace) or "", ()):
        if line.startswith(f"{metric},"):
            name, title_en, title_zh, unit, _ = next(csv.reader([line]))
            if name == metric:
                return Metric(_TITLE_NOTES.sub("", title_en), _TITLE_NOTES.sub("", title_zh), unit_or_none(unit))
    return None


@cache
def _lines() -> dict[str, tuple[str, ...]]:
    """Return the lines of each namespace, which begin with the id of the metric."""
    found: dict[str, tuple[str, ...]] = {}
    by_spelling: dict[str, list[str]] = {}
    for line in read_text("metrics.csv").splitlines()[1:]:
        namespace, _, rest = line.partition(",")
        by_spelling.setdefault(namespace, []).append(rest)
    for spelling, lines in by_spelling.items():
        namespace = normalise_namespace(spelling) or ""
        found[namespace] = found.get(namespace, ()) + tuple(lines)
    return found
