"""One thing that was looked at: how it is, and what to do. The doctor's lines and the guide's."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """`wait`: it is not known yet, but will be soon."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`name` is a word or two, `said` how it is, `do` what to do about it (None where nothing is to be done)."""

    name: str
    verdict: Verdict
    said: str
    do: str | None = None
