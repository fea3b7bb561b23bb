"""Hides installed shared libraries from a program under test. Works only on Linux with glibc."""

from pathlib import Path
from typing import Any

from tests.soak.harness.disk import built


def hiding(*libraries: str) -> dict[str, Any]:
    """Return environment variables that make a program find none of the given libraries, such as `libGL.so.1`."""
    hider = built(Path(__file__).parent / "files" / "hidden.c")
    return {"LD_AUDIT": str(hider), "HIDDEN_LIBRARIES": " ".join(libraries)}
