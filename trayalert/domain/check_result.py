"""The result of one check by `trayalert doctor` or by the setup assistant."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """How a check ended. `wait` means that the result is not known yet."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check, as the user sees it."""

    name: str
    """One or two words."""
    verdict: Verdict
    said: str
    """What the check found."""
    do: str | None = None
    """What the user should do, or None."""
