"""The callback URL's secret: the only authentication that Cloud Monitor allows. Kept in one file, 0600, never logged.

Rotation makes a new one; the old one may go on for a while, until the rules in the console are changed.
"""

import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trayalert.domain.fault import Fault
from trayalert.domain.times import Millis

_BYTES = 32  # 256 bits
_SOUND = re.compile(r"[A-Za-z0-9_-]{32,}")


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
            self._secrets = self._written((_new(),), first=True)

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
        self._secrets = self._written((_new(), *(secret for secret in old if _holds(secret, now))))

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced by `***`."""
        for secret in self._secrets:
            text = text.replace(secret.value, "***")
        return text

    def _written(self, found: tuple[Secret, ...], *, first: bool = False) -> tuple[Secret, ...]:
        """Return the secrets once they are on disk; in place of the `first` ones what another process made just now."""
        content = json.dumps({"secrets": [asdict(secret) for secret in found]}, indent=1) + "\n"
        try:
            write_private(self._path, content, over=not first)
        except FileExistsError:
            return _read(self._path)
        except OSError as error:
            raise SecretFault(f"the secret cannot be written to {self._path}: {error}") from error
        return found


def write_private(path: Path, content: str, *, over: bool = True) -> None:
    """Write a file of ours whole or not at all, readable by nobody else, `over` an older one or not. Raise OSError."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if over:
            part.replace(path)
        else:
            _link(part, path)
    finally:
        part.unlink(missing_ok=True)


def _link(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system with no such links
        part.replace(path)


def _new() -> Secret:
    return Secret(value=secrets.token_urlsafe(_BYTES))


def _holds(secret: Secret, now: Millis) -> bool:
    return secret.until is None or now < secret.until


def _read(path: Path) -> tuple[Secret, ...]:
    try:
        items = json.loads(path.read_text(encoding="utf-8"))["secrets"]
        found = tuple(Secret(value=item["value"], until=item["until"]) for item in items)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        # str, not repr: a UnicodeDecodeError's repr holds the whole file, and that the secret
        raise SecretFault(_unreadable(path, f"{type(error).__name__}: {error}")) from error
    if not found or not all(map(_sound, found)):
        raise SecretFault(_unreadable(path, "no secret of full length in it"))
    return found


def _sound(secret: Secret) -> bool:
    value, until = secret.value, secret.until
    return isinstance(value, str) and bool(_SOUND.fullmatch(value)) and (until is None or isinstance(until, int))


def _unreadable(path: Path, why: str) -> str:
    return (
        f"the secret in {path} cannot be read ({why}). Put the file back from a copy, or move it away: "
        "then a new secret is made, and the callback URL in Cloud Monitor's rules must be changed."
    )
