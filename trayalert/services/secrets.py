"""The callback URL's secret: the only authentication that Cloud Monitor allows. Kept in one file, 0600, never logged.

Rotation makes a new one; the old one may go on for a while, until the rules in the console are changed.
"""

import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trayalert.domain.fault import Fault
from trayalert.domain.times import Millis

_BYTES = 32  # 256 bits


class SecretFault(Fault):
    """The file of secrets cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret. With `until` it holds only before that moment."""

    value: str
    until: Millis | None = None


class Secrets:
    """The secrets that open the door, the present one first. Raise SecretFault where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._secrets = _read(path)
        except FileNotFoundError:
            self._secrets = (_new(),)
            self._write()

    @property
    def present(self) -> str:
        """The secret of the callback URL."""
        return self._secrets[0].value

    def opens(self, offered: bytes, *, now: Millis) -> bool:
        """Whether the offered secret is one of ours, in a time that does not tell how much of it is right."""
        # bytes, as compare_digest raises on text that is not ASCII; every secret is compared, whichever fits
        fits = [hmac.compare_digest(offered, secret.value.encode()) for secret in self._secrets if _holds(secret, now)]
        return any(fits)

    def rotate(self, *, grace: Millis, now: Millis) -> None:
        """Make a new secret. Those before it hold for `grace` more."""
        old = [secret if secret.until is not None else replace(secret, until=now + grace) for secret in self._secrets]
        self._secrets = (_new(), *(secret for secret in old if _holds(secret, now)))
        self._write()

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced by `***`."""
        for secret in self._secrets:
            text = text.replace(secret.value, "***")
        return text

    def _write(self) -> None:
        content = json.dumps({"secrets": [asdict(secret) for secret in self._secrets]}, indent=1) + "\n"
        try:
            write_private(self._path, content)
        except OSError as error:
            raise SecretFault(f"the secret cannot be written to {self._path}: {error}") from error


def write_private(path: Path, content: str) -> None:
    """Write a file of ours whole or not at all, readable by nobody else. Raise OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _new() -> Secret:
    return Secret(value=secrets.token_urlsafe(_BYTES))


def _holds(secret: Secret, now: Millis) -> bool:
    return secret.until is None or now < secret.until


def _read(path: Path) -> tuple[Secret, ...]:
    try:
        found = tuple(
            Secret(value=item["value"], until=item["until"]) for item in json.loads(path.read_text())["secrets"]
        )
        sound = bool(found) and all(isinstance(secret.value, str) and len(secret.value) >= 32 for secret in found)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SecretFault(_unreadable(path, repr(error))) from error
    if not sound:
        raise SecretFault(_unreadable(path, "no secret of full length in it"))
    return found


def _unreadable(path: Path, why: str) -> str:
    return (
        f"the secret in {path} cannot be read ({why}). Put the file back from a copy, or move it away: "
        "then a new secret is made, and the callback URL in Cloud Monitor's rules must be changed."
    )
