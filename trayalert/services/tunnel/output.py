"""What a tunnel's program prints: cut into lines, cleaned, with no secret in it. A flood costs little."""

import re
from collections.abc import Callable, Iterable

from trayalert.domain.text import printable

KEPT = 200
"""Lines."""

_SHOWN = 300
_LONGEST = 4_000
"""Bytes of a line, of which more is not looked at."""

_LOOKED_AT = 8_192
"""Bytes at each end of what came at once; what is in between in a flood is left out."""

_MOST_LINES = 100
_SHORTEST_SECRET = 6
"""Characters: with less, `1` or `eu` would be masked wherever it stands."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


class Output:
    """Takes bytes as they come. `kept` are the last lines, masked: any thread may read them."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._secrets: tuple[str, ...] = ()
        self._part = b""
        self._skipping = False
        self.kept: tuple[str, ...] = ()

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        long = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self._secrets = tuple(sorted(long, key=len, reverse=True))

    def begin(self) -> None:
        """Forget the line that another run of the program left half said."""
        self._part, self._skipping = b"", False

    def feed(self, came: bytes) -> tuple[str, ...]:
        """Return the lines that are whole now: cleaned, but with their secrets, to find an address in."""
        if len(came) > 2 * _LOOKED_AT:
            lines = self._lines(came[:_LOOKED_AT])
            self._part, self._skipping = b"", True
            lines += self._lines(came[-_LOOKED_AT:])
        else:
            lines = self._lines(came)
        if len(lines) > 2 * _MOST_LINES:
            lines = lines[:_MOST_LINES] + lines[-_MOST_LINES:]
        clean = [line for line in map(_clean, lines) if line]
        self.kept = (*self.kept, *(self.masked(line) for line in clean))[-KEPT:]
        return tuple(clean)

    def masked(self, line: str) -> str:
        """Return a line as it may be shown."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return printable(self._mask(line), limit=_SHOWN)

    def _lines(self, came: bytes) -> list[bytes]:
        *whole, part = came.replace(b"\r", b"\n").split(b"\n")
        found = []
        for end in whole:
            if not self._skipping:
                found.append(self._part + end)
            self._part, self._skipping = b"", False
        if not self._skipping:
            self._part += part
            if len(self._part) > _LONGEST:  # said now, as its end may never come
                found.append(self._part)
                self._part, self._skipping = b"", True
        return found


def _clean(line: bytes) -> str:
    text = printable(_ESCAPES.sub("", line[:_LONGEST].decode("utf-8", "replace")), limit=_LONGEST)
    # the half of a secret at the cut would be no secret to the mask
    return text[:-_SHOWN] if len(line) > _LONGEST else text
