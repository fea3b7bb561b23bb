"""Secrets in files: each in a file of its own, which only its owner should be able to read."""

import os
import stat
from pathlib import Path

from trayalert.services.access.secret_store import SecretValue
from trayalert.services.access.secrets import SecretFault

_MAX_LENGTH = 8_192


class SecretFiles:
    """A SecretStore. A reference is the path of a file with one line of ASCII; `~` is the home folder."""

    def get(self, reference: str) -> SecretValue:
        """Return the secret in a file. Raise SecretFault."""
        try:
            secret, mode = _read(Path(reference).expanduser())
        except FileNotFoundError as error:
            raise SecretFault(f"There is no file {reference}, from which the tunnel's token is to be read.") from error
        except (OSError, ValueError, RuntimeError) as error:  # never the content; RuntimeError: no home
            reason = getattr(error, "strerror", None) or "it is no text of ASCII"
            raise SecretFault(f"The token in {reference} cannot be read: {reason}.") from None
        if secret is None:
            raise SecretFault(f"The token in {reference} cannot be read: it is no file.")
        if not 0 < len(secret.reveal()) <= _MAX_LENGTH or not secret.reveal().isprintable():
            raise SecretFault(f"There is no token in {reference}: it must be a single line.")
        world_readable = os.name == "posix" and mode & stat.S_IROTH
        warning = f"Every user of this computer can read the token in {reference}: chmod 600 it."
        return SecretValue(secret.reveal(), warning=warning if world_readable else None)


def _read(file: Path) -> tuple[SecretValue | None, int]:
    """Return the text of a file, None if the path is of something else, and the mode. Raise OSError or ValueError."""
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        return None, mode
    with file.open("rb") as content:
        return SecretValue(content.read(_MAX_LENGTH + 1).decode("ascii").strip()), mode
