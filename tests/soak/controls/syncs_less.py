"""A control: a trayalert with `PRAGMA synchronous = NORMAL`.

A power cut, unlike a kill, can lose a callback that got a 200.
"""

import re
import sqlite3
from typing import Any

from trayalert.cli import main

_connect = sqlite3.connect


class _Lazy(sqlite3.Connection):
    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(re.sub(r"(?i)(synchronous\s*=\s*)\w+", r"\1NORMAL", sql), *parameters)


def _connect_lazily(*arguments: Any, **named: Any) -> sqlite3.Connection:
    made: sqlite3.Connection = _connect(*arguments, **({"factory": _Lazy} | named))
    return made


if __name__ == "__main__":
    setattr(sqlite3, "connect", _connect_lazily)  # noqa: B010 - mypy rejects an assignment to a function of a module
    main()
