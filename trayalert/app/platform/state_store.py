"""The state store: a small JSON file of what the program remembers from one run to the next.

The program can work without this file, so no exception is raised if the file cannot be read or written. A file that
cannot be read is replaced when the next value is stored. A value that cannot be written is kept in memory, and is
written together with the next value that is stored.
"""

import json
import logging
import threading
from pathlib import Path
from typing import Any

from trayalert.durable_file import write_private

_LARGEST = 1 << 20
_logger = logging.getLogger(__name__)


class StateStore:
    """Stores JSON values under names. Any thread may use the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._values = _read(path)
        self._unwritten = False
        self._warned = False

    def get(self, name: str) -> Any:
        """Return the value stored under `name`, or None if there is no value. The caller must not change the value."""
        with self._lock:
            return self._values.get(name)

    def set(self, name: str, value: Any) -> None:
        """Store a JSON value under `name`, and write all values to the file if possible."""
        with self._lock:
            if not self._unwritten and name in self._values and self._values[name] == value:
                return
            content = json.dumps(self._values | {name: value}, ensure_ascii=False, indent=1) + "\n"
            self._values = json.loads(content)  # a copy, exactly as the next run will read it
            try:
                write_private(self._path, content)
            except (OSError, ValueError) as error:
                if not self._warned:
                    _logger.warning(
                        "%s cannot be written: %s. The next run will not know what is in it.", self._path, error
                    )
                self._unwritten = self._warned = True
            else:
                self._unwritten = self._warned = False


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_LARGEST))
        if isinstance(values, dict):
            return values
        reason = "it holds no names"
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
    _logger.warning("%s cannot be read (%s); what was remembered in it is begun anew.", path, reason)
    return {}
