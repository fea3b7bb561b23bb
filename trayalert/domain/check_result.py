"""The result of one check by `trayalert doctor` or by the setup assistant."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """The outcome of a check. `wait` means that the outcome is not known yet."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check, as the user sees it."""

    name: str
    """The name of the check, in one or two words."""
    verdict: Verdict
    said: str
    """What the check found."""
    do: str | None = None
    """What the user should do, or None if there is nothing to do."""
