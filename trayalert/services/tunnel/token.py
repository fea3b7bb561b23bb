"""The token of a tunnel, read out of a file of its own. It is never told, not even where it cannot be read."""

import os
import stat
from pathlib import Path

from trayalert.domain.fault import Fault

_MAX_TOKEN_LENGTH = 8_192


class TunnelFault(Fault):
    """The tunnel cannot be started; the text says why and what to do."""


def read_token(path: str) -> tuple[str, bool]:
    """Return the token in a file, and whether every user can read it. Raise TunnelFault."""
    try:
        file = Path(path).expanduser()
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise TunnelFault(f"The token in {path} cannot be read: it is no file.")
        with file.open("rb") as content:
            token = content.read(_MAX_TOKEN_LENGTH + 1).decode("ascii").strip()
    except FileNotFoundError as error:
        raise TunnelFault(f"There is no file {path}, from which the tunnel's token is to be read.") from error
    except (OSError, ValueError, RuntimeError) as error:  # never the content; RuntimeError: no home
        strerror = getattr(error, "strerror", None) or "it is no text of ASCII"
        raise TunnelFault(f"The token in {path} cannot be read: {strerror}.") from error
    if not token or len(token) > _MAX_TOKEN_LENGTH or not token.isprintable():
        raise TunnelFault(f"There is no token in {path}: it must be a single line.")
    return token, os.name == "posix" and bool(mode & stat.S_IROTH)
