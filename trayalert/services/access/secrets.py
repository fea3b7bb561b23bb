"""The callback URLs' secrets: the only authentication that Cloud Monitor allows. Kept in one file, 0600, never logged.

Each has a name, as each sender may have its own. Rotation makes a new one under the same name; the old one may go on
for a while, until the rules in the console are changed.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from trayalert.domain.fault import Fault
from trayalert.domain.times import Millis
from trayalert.storage.companion_files import sync_folder

DEFAULT = "default"
"""The name of the secret that is made first, and of those in files from before there were names."""

MOST = 16
"""So many secrets at once, those included that are on their way out: every request is compared with each."""

_LONGEST_GRACE = 3650 * 24 * 60 * 60 * 1000
_LATEST = 253_402_300_799_999
"""The last moment that can be written down: the end of the year 9999."""

_BYTES = 32  # 256 bits
_HOOK = b"/hook/"
_RUN = re.compile(rb"[A-Za-z0-9_-]{28,}")
_FOREIGN = re.compile(rb"[^A-Za-z0-9_-]+")
_LONGEST_TARGET = 512
_MOST_RUNS = 4
_MOST_CUT = 4
"""How a URL is mistyped: so many characters of the secret may be missing at one end of it."""
_SOUND = re.compile(r"[A-Za-z0-9_-]{32,}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


class SecretFault(Fault):
    """A secret cannot be read, made or taken away; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret. With `until` it holds only before that moment, as another has taken its place."""

    value: str
    until: Millis | None = None
    name: str = DEFAULT

    @property
    def label(self) -> str:
        """What uses of this one are counted under: its name, and what tells it from others of that name, not it."""
        return f"{self.name}:{hashlib.sha256(self.value.encode()).hexdigest()[:8]}"


class Secrets:
    """The secrets that open the door, the first name's first. Raise SecretFault where the file cannot be used.

    Written to on one thread; `opens`, `mask` and the others that only look are for any.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gone: tuple[str, ...] = ()
        try:
            self._keep(_read(path))
        except FileNotFoundError:
            self._keep(self._written((_new(DEFAULT),), first=True))

    @property
    def present(self) -> str:
        """The secret of the callback URL."""
        return self.value_of(self._secrets[0].name)

    def value_of(self, name: str) -> str:
        """Return the secret of that name. Raise SecretFault where there is none."""
        for secret in self._secrets:
            if secret.name == name and secret.until is None:
                return secret.value
        raise SecretFault(self._unknown(name))

    def holding(self, now: Millis) -> tuple[Secret, ...]:
        """Return the secrets that open the door now, those of one name together, the newest of it first."""
        return tuple(secret for secret in self._secrets if _holds(secret, now))

    def opens(self, offered: bytes, *, now: Millis) -> str | None:
        """Return the label of the secret that was offered, in a time that does not tell how much of it is right."""
        found = None
        for value, label, secret in self._compared:
            # bytes, as compare_digest raises on text that is not ASCII; every secret is compared, whichever fits
            if hmac.compare_digest(offered, value) and _holds(secret, now):
                found = label
        return found

    def mistyped(self, target: bytes) -> str | None:
        """Return what is wrong with path and query of a request that nearly are a callback URL's; None for any others.

        It takes the same time for a path with a secret in it and for any other of its length.
        """
        target = target[:_LONGEST_TARGET]
        raw_path = target.partition(b"?")[0]
        path = unquote_to_bytes(raw_path)
        runs = [*islice(_RUN.findall(unquote_to_bytes(target)), _MOST_RUNS), _FOREIGN.sub(b"", path)]
        found, whole = False, False
        for value in (*(value for value, _, _ in self._compared), *(gone.encode() for gone in self._gone[-MOST:])):
            whole |= hmac.compare_digest(path.rstrip(b"/"), _HOOK + value)
            for run in runs:
                found |= _nearly(run.lower(), value.lower())
        if not found:
            return None
        if whole and path.endswith(b"/"):
            return "there is a slash at its end"
        if whole and path == raw_path:
            return "its secret was replaced or removed"
        return "it is not written as trayalert gives it"

    def rotate(self, *, grace: Millis, now: Millis, name: str | None = None) -> None:
        """Make a new secret of that name (the first by default). Those before it hold for `grace` more."""
        if not 0 <= grace <= _LONGEST_GRACE:
            raise SecretFault("the old secret may hold on for ten years at most (--grace 3650d).")
        name = self._secrets[0].name if name is None else name
        self.value_of(name)
        changed: list[Secret] = []
        for secret in self._secrets:
            if secret.name == name and secret.until is None:
                changed += [_new(name), replace(secret, until=now + grace)]
            else:
                changed.append(secret)
        self._change([secret for secret in changed if _holds(secret, now)])

    def add(self, name: str, *, now: Millis) -> None:
        """Make a secret of a new name."""
        if not _NAME.fullmatch(name):
            raise SecretFault(
                f'"{name}" is no name for a secret: use up to 32 letters, digits, "-", "_" or ".",'
                " beginning with a letter or a digit."
            )
        if any(secret.name == name for secret in self._secrets if secret.until is None):
            raise SecretFault(f'there is a secret "{name}" already: `trayalert url --name {name}` prints its URL.')
        self._change([*self.holding(now), _new(name)])

    def remove(self, name: str, *, now: Millis) -> None:
        """Take away the secrets of that name; its URL opens nothing from now on."""
        self.value_of(name)
        left = [secret for secret in self.holding(now) if secret.name != name]
        if all(secret.until is not None for secret in left):
            raise SecretFault(f'"{name}" is the only secret: add another first, or rotate it.')
        self._change(left)

    def do(self, wish: Mapping[str, Any], *, now: Millis) -> None:
        """Change the secrets as a command wishes, in this process or in the running one."""
        match wish:
            case {"do": "rotate", "grace": int(grace)}:
                self.rotate(grace=grace, now=now, name=wish.get("name"))
            case {"do": "add secret", "name": str(name)}:
                self.add(name, now=now)
            case {"do": "remove secret", "name": str(name)}:
                self.remove(name, now=now)
            case {"do": "keep secrets"}:
                self._written(self._secrets)  # their file is gone
            case _:
                raise SecretFault("that is no change of a secret")

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced by `***`, also those that are gone and those percent-encoded."""
        for value in (*(secret.value for secret in self._secrets), *self._gone):
            text = _encoded(value).sub("***", text) if "%" in text else text.replace(value, "***")
        return text

    def _unknown(self, name: str) -> str:
        names = ", ".join(secret.name for secret in self._secrets if secret.until is None)
        return f'there is no secret "{name}". There are: {names}.'

    def _change(self, wanted: list[Secret]) -> None:
        if len(wanted) > MOST:
            raise SecretFault(
                f"there are {MOST} secrets, and no more are kept: remove one, or rotate with no grace (--grace 0s)."
            )
        before = self._secrets
        self._keep(self._written(tuple(wanted)))
        kept = {secret.value for secret in wanted}
        self._gone += tuple(secret.value for secret in before if secret.value not in kept)

    def _keep(self, found: tuple[Secret, ...]) -> None:
        self._secrets = found
        self._compared = tuple((secret.value.encode(), secret.label, secret) for secret in found)

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
    """Write a file of ours whole or not at all, readable by nobody else, `over` an older one or not. Raise OSError.

    It is synced, and so is its name: no power cut brings the older one back.
    """
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
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _link(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system with no such links
        part.replace(path)


def _nearly(run: bytes, value: bytes) -> bool:
    """Whether a text begins or ends as the secret does, but for a few characters that either has more."""
    length = min(len(run), len(value))
    begins = hmac.compare_digest(run[:length], value[:length])
    ends = hmac.compare_digest(run[len(run) - length :], value[len(value) - length :])
    return (begins | ends) and length >= len(value) - _MOST_CUT


def _new(name: str) -> Secret:
    return Secret(value=secrets.token_urlsafe(_BYTES), name=name)


@functools.lru_cache(maxsize=2 * MOST)
def _encoded(value: str) -> re.Pattern[str]:
    """Match the value with any of its letters percent-encoded, as a stranger's library may write it."""
    return re.compile("".join(f"(?:{letter}|%{ord(letter):02x})" for letter in value), re.IGNORECASE)


def _holds(secret: Secret, now: Millis) -> bool:
    return secret.until is None or now < secret.until


def _read(path: Path) -> tuple[Secret, ...]:
    try:
        content = path.read_text(encoding="utf-8")
        with contextlib.suppress(OSError):
            if path.stat().st_mode & 0o077:  # put there by hand: nobody else may read it
                path.chmod(0o600)
        items = json.loads(content)["secrets"]
        found = tuple(
            Secret(value=item["value"], until=item["until"], name=item.get("name", DEFAULT)) for item in items
        )
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # str, not repr: a UnicodeDecodeError's repr holds the whole file, and that the secret
        raise SecretFault(_unreadable(path, f"{type(error).__name__}: {error}")) from error
    if not found or not all(map(_sound, found)):
        raise SecretFault(_unreadable(path, "no secret of full length in it"))
    lasting = [secret.name for secret in found if secret.until is None]
    if len(set(lasting)) < len(lasting) or not {secret.name for secret in found} <= set(lasting):
        raise SecretFault(_unreadable(path, "a name does not have exactly one secret without an end"))
    return found


def _sound(secret: Secret) -> bool:
    value, until, name = secret.value, secret.until, secret.name
    return (
        isinstance(value, str)
        and bool(_SOUND.fullmatch(value))
        and (until is None or (isinstance(until, int) and until <= _LATEST))
        and isinstance(name, str)
        and bool(_NAME.fullmatch(name))
    )


def _unreadable(path: Path, why: str) -> str:
    return (
        f"the secret in {path} cannot be read ({why}). Put the file back from a copy, or move it away: "
        "then a new secret is made, and the callback URL in Cloud Monitor's rules must be changed."
    )
