"""All of Qt. Widgets have no await, no rules, no SQL: events come up as frozen dataclasses, calls go to the Backend."""

import contextlib
import linecache

import PySide6.QtCore  # noqa: F401 - it brings the module below

with contextlib.suppress(ImportError, AttributeError):
    from shibokensupport import feature  # type: ignore[import-not-found]

    # WORKAROUND for PySide6 6.x: it reads the source text of every module that is imported after it, to see whether
    # its name stands there (for `snake_case` and the like, which nobody here uses). That keeps 10 MB and costs time.
    feature._mod_uses_pyside = lambda _: True  # noqa: SLF001
linecache.clearcache()
