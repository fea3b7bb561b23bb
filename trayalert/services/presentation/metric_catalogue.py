"""Titles and units of Cloud Monitor's metrics, from its documents of 2021. The table is read when first needed."""

import csv
from functools import cache
from typing import NamedTuple

from trayalert.domain.incident.resource import normalise_namespace
from trayalert.domain.wording.language import Language
from trayalert.domain.wording.unit import unit_or_none
from trayalert.resource_files import read_text


class Metric(NamedTuple):
    """What is known of a metric; a title may be missing in one language."""

    title_en: str
    title_zh: str
    unit: str | None

    def title(self, language: Language) -> str:
        """Return the title in that language, else the other one."""
        return (self.title_zh or self.title_en) if language is Language.ZH else (self.title_en or self.title_zh)


def find_metric(namespace: str | None, metric: str | None) -> Metric | None:
    """Return a metric by its id and its namespace, whether that is the rule's or the callback's name for it."""
    return _table().get((normalise_namespace(namespace) or "", metric)) if namespace and metric else None


@cache
def _table() -> dict[tuple[str, str], Metric]:
    rows = csv.DictReader(read_text("metrics.csv").splitlines())
    return {
        (normalise_namespace(row["namespace"]) or "", row["metric_name"]): Metric(
            row["title_en"], row["title_zh"], unit_or_none(row["unit"])
        )
        for row in rows
    }
