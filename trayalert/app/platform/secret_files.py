"""A secret store that reads secrets from files.

Each secret is in its own file, which only the owner of the file should be able to read.
"""

import os
import stat
from pathlib import Path

from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import N_, Phrase
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
            text = N_("There is no file {path}, from which the tunnel's token is to be read.")
            raise SecretFault(Phrase(text, path=reference)) from error
        except (OSError, ValueError, RuntimeError) as error:  # never show the content. RuntimeError: no home folder
            reason = os_reason(error) if isinstance(error, OSError) else Phrase("it is no text of ASCII")
            raise SecretFault(
                Phrase("The token in {path} cannot be read: {reason}.", path=reference, reason=reason)
            ) from None
        if secret is None:
            raise SecretFault(Phrase("The token in {path} cannot be read: it is no file.", path=reference))
        if not 0 < len(secret.reveal()) <= _MAX_LENGTH or not secret.reveal().isprintable():
            raise SecretFault(Phrase("There is no token in {path}: it must be a single line.", path=reference))
        world_readable = os.name == "posix" and mode & stat.S_IROTH
        warning = Phrase("Every user of this computer can read the token in {path}: chmod 600 it.", path=reference)
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
