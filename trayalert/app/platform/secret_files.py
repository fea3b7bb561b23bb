"""A secret store that reads secrets from files.

Each secret is in its own file, which only the owner of the file should be able to read.
"""

import os
import stat
from pathlib import Path

from trayalert.services.access.secret_store import SecretValue
from trayalert.services.access.secrets import SecretFault

_MAX_LENGTH = 8_192


class SecretFiles:
    """Implements `SecretStore`. A secret's reference is the path of its file.

    The file contains one line of ASCII. In a path, `~` stands for the home folder.
    """

    def get(self, reference: str) -> SecretValue:
        """Return the secret in the file at the path `reference`. Raise SecretFault if there is no valid secret.

        On POSIX, the secret has a warning if every user of the computer can read the file.
        """
        try:
            secret, mode = _read(Path(reference).expanduser())
        except FileNotFoundError as error:
            raise SecretFault(f"There is no file {reference}, from which the tunnel's token is to be read.") from error
        except (OSError, ValueError, RuntimeError) as error:  # never show the content. RuntimeError: no home folder
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
    """Return the content of a file, and its mode. The content is None if the file is not a regular file.

    Raise OSError if the file cannot be read, and ValueError if its content is not ASCII.
    """
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        return None, mode
    with file.open("rb") as content:
        return SecretValue(content.read(_MAX_LENGTH + 1).decode("ascii").strip()), mode
