"""Compiles the catalogues of translations: each `trayalert.po` becomes a `trayalert.mo` beside it.

Hatchling runs the hook before it builds a wheel, a source distribution or an editable install. `make setup` runs this
file as a script, which compiles the catalogues that have changed.
"""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = "resources/translations/*/LC_MESSAGES/trayalert.po"


def compile_catalogues(root: Path) -> None:
    """Compile the catalogues below `root` that are newer than their compiled files.

    A message that is marked as fuzzy is left out, and is therefore shown in English.
    """
    for source in root.glob(CATALOGUES):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as stream:
            catalogue = read_po(stream, abort_invalid=True)
        partial = target.with_suffix(".part")
        with partial.open("wb") as stream:
            write_mo(stream, catalogue)
        partial.replace(target)


class CompileCatalogues(BuildHookInterface):
    """The build hook, which `pyproject.toml` names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling passes these
        """Compile the catalogues before anything is built."""
        compile_catalogues(Path(self.root))


if __name__ == "__main__":
    compile_catalogues(ROOT)
