"""The result of one check, by `trayalert doctor` or the setup assistant."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """`wait`: the result is not known yet."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`name` is a word or two, `said` the result, `do` what the person should do about it, or None."""

    name: str
    verdict: Verdict
    said: str
    do: str | None = None
