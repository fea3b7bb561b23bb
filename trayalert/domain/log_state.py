"""How the log is, as a person is told it. What is not known to be stored is never called stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """`storing`: whether callbacks can be stored now. All else are sentences.

    `problems` hold now and go with their cause; `news` tell what the log did by itself (moved a damaged file aside,
    salvaged so many of so many callbacks) and stay for a while. `new_file` counts how often another file took the
    place of the log's: what was read before must be read anew.
    """

    storing: bool = True
    problems: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    new_file: int = 0
    salvaging: bool = False
    """A former log is being read over: what was open in it may still come."""
