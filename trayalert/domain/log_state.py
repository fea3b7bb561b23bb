"""The state of the log. The rule: a callback is reported as stored only if it is known to be stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """Whether the log can store callbacks, and what is wrong with the log."""

    storing: bool = True
    """Whether callbacks can be stored now."""
    problems: tuple[str, ...] = ()
    """Sentences about present problems. A problem disappears with its cause."""
    news: tuple[str, ...] = ()
    """Sentences about what the log has done by itself, such as moving a damaged file aside. Each stays for a while."""
    new_file: int = 0
    """How often the log's file was replaced. When this number changes, readers must read everything again."""
    salvaging: bool = False
    """Whether a former log is being salvaged, so that more open incidents may appear."""
