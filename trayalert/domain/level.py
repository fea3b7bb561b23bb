"""How bad: the four levels, and the sender's many words for them."""

import enum


class Level(enum.StrEnum):
    """Calm to worst; compare by `rank`."""

    OK = "OK"
    INFO = "INFO"
    WARN = "WARN"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """0 for OK to 3 for CRITICAL."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Level)}

_WORDS = {
    "OK": Level.OK,
    "INFO": Level.INFO,
    "P4": Level.INFO,
    "WARN": Level.WARN,
    "WARNING": Level.WARN,
    "P3": Level.WARN,
    "CRITICAL": Level.CRITICAL,
    "EMERGENCY": Level.CRITICAL,  # Cloud Monitor 2.0 has it above that
    "P1": Level.CRITICAL,
    "P2": Level.CRITICAL,
}


def read_level(*words: str | None, absent: Level = Level.WARN) -> Level:
    """Return the level of the first of the sender's words that is a known one, else `absent`.

    An unknown word is passed over, so that the next field that may hold a level is asked; no alert is taken for calm.
    """
    for word in words:
        if word and (level := _WORDS.get(word.strip().upper())):
            return level
    return absent


def worst(*levels: Level) -> Level:
    """Return the worst of at least one level."""
    return max(levels, key=lambda level: level.rank)
