"""Expected callbacks, a dead-man's switch: what should report at least every N hours, and burns where it is silent."""

from dataclasses import dataclass

from trayalert.domain.text import as_written


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A rule or resource that should report. Each of the matchers that is set must fit; `*` stands for anything."""

    name: str
    hours: float
    rule: str | None = None
    resource: str | None = None
    namespace: str | None = None
    kind: str | None = None


def read_expected(value: object) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    """Read the `[[expected]]` tables. Return what is sound, and a sentence for every problem."""
    return (), (f"[[expected]] {as_written(value)}: it is not known yet.",)
