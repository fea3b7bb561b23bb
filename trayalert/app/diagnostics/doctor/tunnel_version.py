"""Which version of a tunnel's program is here, as the program itself says it."""

import subprocess

from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.text import printable
from trayalert.domain.tunnel import Tunnel

_PATIENCE = 4.0
"""Seconds."""


def tunnel_version(tunnel: Tunnel, path: str) -> str | None:
    """Return the first line that the program says when asked; None where nobody knows how to ask it."""
    if tunnel.command:  # what a program does that nobody knows, when it is asked for its version, nobody knows
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the program that the settings name, and no shell
            [path, *PRESETS[tunnel.kind].version_arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "which does not tell its version in time"
    except OSError as error:
        return f"which cannot be started ({error.strerror})"
    line = next(iter(done.stdout[:2000].decode("utf-8", "replace").strip().splitlines()), "")
    return printable(line, limit=100) or "which does not tell its version"
