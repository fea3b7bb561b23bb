"""Finds and reads the files in `resources/`. No other module knows where these files are.

In a checkout, the files are in the folder `resources` next to the package. In a wheel and in the frozen program, the
files are inside the package, in `trayalert/_resources`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_path(*parts: str) -> Path:
    """Return the path of a file or folder in `resources/`, such as `resource_path("icons", "calm.svg")`."""
    inside = _PACKAGE / "_resources"
    root = inside if inside.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)


def read_text(*parts: str) -> str:
    """Return the text of a UTF-8 file in `resources/`. Raise FileNotFoundError if the file is missing."""
    return resource_path(*parts).read_text(encoding="utf-8")
