"""Splits the output of the tunnel program into lines, cleans the lines, and masks secrets.

Most bytes of a large chunk are skipped, so a flood of output costs little time.
"""

import re
from collections.abc import Callable, Iterable

from trayalert.domain.text import printable

MAX_LINES = 200

_MAX_SHOWN_LENGTH = 300
_MAX_LINE_LENGTH = 4_000
"""Maximum number of bytes to read from a line. The rest of the line is skipped."""

_FLOOD_EDGE = 8_192
"""Number of bytes to read at each end of a large chunk. The bytes between the two ends are skipped."""

_MAX_LINES_AT_EDGE = 100
_MIN_SECRET_LENGTH = 6
"""Minimum length of a secret that is masked, in characters.

A shorter secret, such as `1` or `eu`, would be masked even in the middle of other words.
"""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


class TunnelOutput:
    """Collects the output of the tunnel program as lines.

    `lines` are the latest MAX_LINES lines, with secrets masked. Any thread may read `lines`. The method
    `set_secrets` sets the tunnel's own secrets. The function `mask` returns a line with all other secrets masked.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._secrets: tuple[str, ...] = ()
        self._partial_line = b""
        self._skipping = False
        self.lines: tuple[str, ...] = ()

    def set_secrets(self, secrets: Iterable[str]) -> None:
        """Mask these secrets in all further lines. Secrets from an earlier call are no longer masked."""
        maskable = {secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH}
        self._secrets = tuple(sorted(maskable, key=len, reverse=True))

    def reset(self) -> None:
        """Discard an incomplete line. Call this method before the program is started."""
        self._partial_line, self._skipping = b"", False

    def feed(self, chunk: bytes) -> tuple[str, ...]:
        """Add a chunk of output. Return the lines that this chunk completes.

        The returned lines are cleaned, but can contain secrets. The caller searches these lines for the public address.
        """
        if len(chunk) > 2 * _FLOOD_EDGE:
            lines = self._split_lines(chunk[:_FLOOD_EDGE])
            self._partial_line, self._skipping = b"", True
            lines += self._split_lines(chunk[-_FLOOD_EDGE:])
        else:
            lines = self._split_lines(chunk)
        if len(lines) > 2 * _MAX_LINES_AT_EDGE:
            lines = lines[:_MAX_LINES_AT_EDGE] + lines[-_MAX_LINES_AT_EDGE:]
        clean = [line for line in map(_clean, lines) if line]
        self.lines = (*self.lines, *(self.masked(line) for line in clean))[-MAX_LINES:]
        return tuple(clean)

    def masked(self, line: str) -> str:
        """Return a line for display. Secrets are masked, and a long line is shortened."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return printable(self._mask(line), limit=_MAX_SHOWN_LENGTH)

    def _split_lines(self, chunk: bytes) -> list[bytes]:
        *whole, part = chunk.replace(b"\r", b"\n").split(b"\n")
        found = []
        for end in whole:
            if not self._skipping:
                found.append(self._partial_line + end)
            self._partial_line, self._skipping = b"", False
        if not self._skipping:
            self._partial_line += part
            if len(self._partial_line) > _MAX_LINE_LENGTH:  # the end of the line may never come
                found.append(self._partial_line)
                self._partial_line, self._skipping = b"", True
        return found


def _clean(line: bytes) -> str:
    text = printable(_ESCAPES.sub("", line[:_MAX_LINE_LENGTH].decode("utf-8", "replace")), limit=_MAX_LINE_LENGTH)
    # a secret that was cut in half would not be masked, so more is dropped from the end of a line that was cut
    return text[:-_MAX_SHOWN_LENGTH] if len(line) > _MAX_LINE_LENGTH else text
