"""A measured figure with its bound, and the table of all figures."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_KEPT: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `bound` is (comparison, number), or None. `note` says how the value was measured."""

    what: str
    value: float
    unit: str
    bound: tuple[str, float] | None = None
    note: str = ""

    @property
    def kept(self) -> bool:
        return self.bound is None or _KEPT[self.bound[0]](self.value, self.bound[1])


def table(figures: Sequence[Figure]) -> str:
    """Return a table of the figures for a terminal."""
    rows = [("FIGURE", "MEASURED", "BOUND", "", "NOTE")]
    for figure in figures:
        bound = f"{figure.bound[0]} {figure.bound[1]:g} {figure.unit}".strip() if figure.bound else ""
        verdict = "" if figure.bound is None else ("kept" if figure.kept else "MISSED")
        rows.append((figure.what, f"{figure.value:.4g} {figure.unit}".strip(), bound, verdict, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is at least as large as `share` of all values; 0.95 is the 95th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 100) * len(ordered) // 100) - 1))]
