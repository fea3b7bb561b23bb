"""The state of the log. The rule: what is not known to be stored is never reported as stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """`storing`: whether callbacks can be stored now. `problems` and `news` are sentences.

    A problem goes with its cause; news report what the log did by itself (it moved a damaged file aside, it salvaged
    callbacks) and stay for a while. `new_file` counts how often the log's file was replaced: all must be read anew.
    """

    storing: bool = True
    problems: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    new_file: int = 0
    salvaging: bool = False
    """A former log is being salvaged: more open incidents may appear."""
