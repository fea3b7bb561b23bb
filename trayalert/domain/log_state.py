"""The state of the log.

The rule: trayalert reports a callback as stored only if it knows that the callback is stored.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """Whether the log can store callbacks, and what is wrong with the log."""

    storing: bool = True
    """Whether callbacks can currently be stored."""
    problems: tuple[str, ...] = ()
    """Sentences about current problems. A sentence is removed when its problem is solved."""
    news: tuple[str, ...] = ()
    """Sentences about what the log has done by itself, such as moving a damaged file aside.

    Old sentences are dropped when new sentences are added.
    """
    new_file: int = 0
    """How many times the log file was replaced, plus how many salvages have ended.

    When this number changes, readers must read everything again.
    """
    salvaging: bool = False
    """Whether a quarantined log is being salvaged. Until the salvage ends, more open incidents may appear."""
