"""The user interface: all of the program's Qt widgets.

Widgets contain no `await`, no domain rules and no SQL. Widgets receive events as frozen dataclasses, and send their
queries and requests to the `Backend`.
"""

import contextlib
import linecache

import PySide6.QtCore  # noqa: F401 - this import loads the module below

with contextlib.suppress(ImportError, AttributeError):
    from shibokensupport import feature  # type: ignore[import-not-found]

    # WORKAROUND for PySide6 6.x: PySide6 searches the source of every module that is imported later for the name
    # `PySide6`, to decide whether features such as `snake_case` apply to that module. trayalert uses none of these
    # features, so the search is skipped: reading the sources takes time, and keeps 10 MB in memory.
    feature._mod_uses_pyside = lambda _: True  # noqa: SLF001
linecache.clearcache()
