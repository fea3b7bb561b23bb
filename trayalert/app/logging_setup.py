"""The program's own logging: one line an entry on stderr, with every secret masked."""

import logging
from collections.abc import Callable


class _Masked(logging.Formatter):
    """Masks the finished text, so that no message, argument or traceback can carry a secret out."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


def log_to_stderr(mask: Callable[[str], str]) -> None:
    """Send warnings and worse to stderr."""
    stream = logging.StreamHandler()
    stream.setFormatter(_Masked(mask))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.WARNING)
