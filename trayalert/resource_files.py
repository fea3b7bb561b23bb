"""Where the files of `resources/` are. The one rule: they are read through here, and only here is known where they lie.

In a checkout they lie in the folder `resources` beside the package. A wheel and the frozen bundle carry them inside the
package, as `trayalert/_resources`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_path(*parts: str) -> Path:
    """Return the file or folder that `resources/` has under these names, as `resource_path("icons", "calm.svg")`."""
    inside = _PACKAGE / "_resources"
    root = inside if inside.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)


def read_text(*parts: str) -> str:
    """Read a resource as UTF-8; one that is missing raises FileNotFoundError."""
    return resource_path(*parts).read_text(encoding="utf-8")
