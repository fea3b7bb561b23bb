"""The secrets in the callback URLs.

Cloud Monitor supports no authentication other than a secret in the URL. A secret is never logged, and the file that
holds the secrets has mode 0600.

Every secret has a name, so that each sender can have its own secret. Rotation creates a new secret with the same name.
The old secret can stay valid for a grace period, in which the admin changes the rules in the console.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList
from trayalert.domain.times import Millis
from trayalert.durable_file import write_private

DEFAULT_NAME = "default"
"""The name of the secret that is created at the first start."""

MOST_SECRETS = 16
"""Maximum number of secrets, including secrets that will expire.

Every request is compared with every secret, so the number must be small.
"""

_LONGEST_GRACE = 3650 * 24 * 60 * 60 * 1000
_LATEST_MOMENT = 253_402_300_799_999
"""The end of the year 9999 in milliseconds since 1970. `datetime` supports no later time."""

_SECRET_BYTES = 32  # 256 bits
_HOOK_PATH = b"/hook/"
_CANDIDATE = re.compile(rb"[A-Za-z0-9_-]{28,}")
_OTHER_CHARACTERS = re.compile(rb"[^A-Za-z0-9_-]+")
_LONGEST_TARGET = 512
_MOST_CANDIDATES = 4
_MOST_MISSING = 4
"""Maximum number of characters missing at one end of the secret in a mistyped URL."""
_VALUE = re.compile(r"[A-Za-z0-9_-]{32,}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


class SecretFault(Fault):
    """Raised if a secret cannot be read, created or removed. The message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret in a callback URL.

    `until` is the time at which the secret expires, or None if the secret does not expire. Rotation sets `until` of the
    old secret.
    """

    value: str
    until: Millis | None = None
    name: str = DEFAULT_NAME

    @property
    def label(self) -> str:
        """The label under which uses of the secret are counted, in the form `NAME:DIGEST`.

        `DIGEST` is the first eight hex digits of the secret's SHA-256 digest. After a rotation, several secrets can
        have the same name, so the name alone does not identify a secret.
        """
        return f"{self.name}:{hashlib.sha256(self.value.encode()).hexdigest()[:8]}"


class Secrets:
    """The secrets in the callback URLs, kept in a file. If the file is missing, it is created with one secret.

    Any thread may read the secrets, but a single thread must make all changes. The constructor raises SecretFault if
    the file cannot be read or created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._former_values: tuple[str, ...] = ()
        try:
            self._set_entries(_read_file(path))
        except FileNotFoundError:
            self._set_entries(self._write((_new_secret(DEFAULT_NAME),), initial=True))

    @property
    def current(self) -> str:
        """The secret in the default callback URL.

        This secret has the first name in the file, and does not expire.
        """
        return self.value_of(self._secrets[0].name)

    def value_of(self, name: str) -> str:
        """Return the secret that has the given name and does not expire. Raise SecretFault if the name is unknown."""
        for secret in self._secrets:
            if secret.name == name and secret.until is None:
                return secret.value
        raise SecretFault(self._unknown_name_text(name))

    def active(self, now: Millis) -> tuple[Secret, ...]:
        """Return the secrets that are valid at `now`.

        Secrets with the same name are adjacent, and sorted from newest to oldest.
        """
        return tuple(secret for secret in self._secrets if _is_active(secret, now))

    def check(self, offered: bytes, *, now: Millis) -> str | None:
        """Return the label of the valid secret that equals `offered`, or None if no valid secret equals `offered`.

        The time taken does not depend on how much of `offered` is right. A stranger can therefore not find out a secret
        by measuring response times.
        """
        found = None
        for value, label, secret in self._compared:
            # bytes are compared, because compare_digest raises an exception for strings that are not ASCII; the loop
            # continues after a match, so that the time does not depend on which secret matches
            if hmac.compare_digest(offered, value) and _is_active(secret, now):
                found = label
        return found

    def explain_mistyped(self, target: bytes) -> str | None:
        """Return what is wrong with a mistyped callback URL, or None if the URL does not resemble a callback URL.

        `target` is the path and query of a request. The result is a clause, such as "there is a slash at its end".

        The time taken does not depend on how much of a secret `target` contains. A stranger can therefore not find out
        a secret by measuring response times.
        """
        target = target[:_LONGEST_TARGET]
        raw_path = target.partition(b"?")[0]
        path = unquote_to_bytes(raw_path)
        candidates = _CANDIDATE.findall(unquote_to_bytes(target))[:_MOST_CANDIDATES]
        candidates.append(_OTHER_CHARACTERS.sub(b"", path))
        found, exact = False, False
        former = [value.encode() for value in self._former_values[-MOST_SECRETS:]]
        for value in (*(value for value, _, _ in self._compared), *former):
            exact |= hmac.compare_digest(path.rstrip(b"/"), _HOOK_PATH + value)
            for candidate in candidates:
                found |= _resembles(candidate.lower(), value.lower())
        if not found:
            return None
        if exact and path.endswith(b"/"):
            return Phrase("there is a slash at its end")
        if exact and path == raw_path:
            return Phrase("its secret was replaced or removed")
        return Phrase("it is not written as trayalert gives it")

    def rotate(self, *, grace: Millis, now: Millis, name: str | None = None) -> None:
        """Create a new secret with the given name. If `name` is None, use the first name in the file.

        The old secret with that name stays valid for `grace` milliseconds. Raise SecretFault in these cases:

        - `grace` is not between 0 and ten years.
        - The name is unknown.
        - There would be more than MOST_SECRETS secrets.
        - The file cannot be written.
        """
        if not 0 <= grace <= _LONGEST_GRACE:
            raise SecretFault(Phrase("the old secret may hold on for ten years at most (--grace 3650d)."))
        name = self._secrets[0].name if name is None else name
        self.value_of(name)
        changed: list[Secret] = []
        for secret in self._secrets:
            if secret.name == name and secret.until is None:
                changed += [_new_secret(name), replace(secret, until=now + grace)]
            else:
                changed.append(secret)
        self._change([secret for secret in changed if _is_active(secret, now)])

    def add(self, name: str, *, now: Millis) -> None:
        """Create a secret with a new name.

        Raise SecretFault in these cases:

        - The name is malformed or already in use.
        - There would be more than MOST_SECRETS secrets.
        - The file cannot be written.
        """
        if not _NAME.fullmatch(name):
            problem = Phrase(
                '"{name}" is no name for a secret: use up to 32 letters, digits, "-", "_" or ".",'
                " beginning with a letter or a digit.",
                name=name,
            )
            raise SecretFault(problem)
        if any(secret.name == name for secret in self._secrets if secret.until is None):
            template = N_('there is a secret "{name}" already: `trayalert url --name {name}` prints its URL.')
            raise SecretFault(Phrase(template, name=name))
        self._change([*self.active(now), _new_secret(name)])

    def remove(self, name: str, *, now: Millis) -> None:
        """Remove all secrets with the given name. Their callback URLs stop working immediately.

        Raise SecretFault in these cases:

        - The name is unknown.
        - All secrets have this name.
        - The file cannot be written.
        """
        self.value_of(name)
        remaining = [secret for secret in self.active(now) if secret.name != name]
        if all(secret.until is not None for secret in remaining):
            raise SecretFault(Phrase('"{name}" is the only secret: add another first, or rotate it.', name=name))
        self._change(remaining)

    def write_again(self) -> None:
        """Write all secrets to the file, for example after the file was deleted.

        Raise SecretFault if the file cannot be written.
        """
        self._write(self._secrets)

    def mask(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`.

        Secrets that this run of the program has removed are masked, too. A secret is masked even if some or all of its
        characters are percent-encoded.
        """
        for value in (*(secret.value for secret in self._secrets), *self._former_values):
            text = _encoded_pattern(value).sub("***", text) if "%" in text else text.replace(value, "***")
        return text

    def _unknown_name_text(self, name: str) -> str:
        names = PhraseList((secret.name for secret in self._secrets if secret.until is None), separator=NAMES)
        return Phrase('there is no secret "{name}". There are: {names}.', name=name, names=names)

    def _change(self, requested: list[Secret]) -> None:
        if len(requested) > MOST_SECRETS:
            problem = Phrase(
                "there are {most} secrets, and no more are kept: remove one, or rotate with no grace (--grace 0s).",
                most=MOST_SECRETS,
            )
            raise SecretFault(problem)
        before = self._secrets
        self._set_entries(self._write(tuple(requested)))
        kept = {secret.value for secret in requested}
        self._former_values += tuple(secret.value for secret in before if secret.value not in kept)

    def _set_entries(self, entries: tuple[Secret, ...]) -> None:
        self._secrets = entries
        self._compared = tuple((secret.value.encode(), secret.label, secret) for secret in entries)

    def _write(self, entries: tuple[Secret, ...], *, initial: bool = False) -> tuple[Secret, ...]:
        """Write the secrets to the file. Return the secrets that the file then contains.

        If `initial` is true, an existing file is not overwritten, because another process has just created this file.
        Raise SecretFault if the file cannot be written.
        """
        content = json.dumps({"secrets": [asdict(secret) for secret in entries]}, indent=1) + "\n"
        try:
            write_private(self._path, content, overwrite=not initial)
        except FileExistsError:
            return _read_file(self._path)
        except OSError as error:
            template = N_("the secret cannot be written to {path}: {reason}")
            raise SecretFault(Phrase(template, path=self._path, reason=os_error_text(error))) from error
        return entries


def _resembles(candidate: bytes, value: bytes) -> bool:
    """Return whether `candidate` begins or ends with all or most of the secret `value`.

    At most _MOST_MISSING characters of the secret may be missing from `candidate`.
    """
    length = min(len(candidate), len(value))
    begins = hmac.compare_digest(candidate[:length], value[:length])
    ends = hmac.compare_digest(candidate[len(candidate) - length :], value[len(value) - length :])
    return (begins | ends) and length >= len(value) - _MOST_MISSING


def _new_secret(name: str) -> Secret:
    return Secret(value=secrets.token_urlsafe(_SECRET_BYTES), name=name)


@functools.lru_cache(maxsize=2 * MOST_SECRETS)
def _encoded_pattern(value: str) -> re.Pattern[str]:
    """Return a pattern that matches the secret even if some or all of its characters are percent-encoded."""
    return re.compile("".join(f"(?:{character}|%{ord(character):02x})" for character in value), re.IGNORECASE)


def _is_active(secret: Secret, now: Millis) -> bool:
    return secret.until is None or now < secret.until


def _read_file(path: Path) -> tuple[Secret, ...]:
    try:
        content = path.read_text(encoding="utf-8")
        with contextlib.suppress(OSError):
            if path.stat().st_mode & 0o077:  # a file that was copied manually may be readable by other users
                path.chmod(0o600)
        items = json.loads(content)["secrets"]
        found = tuple(Secret(value=item["value"], until=item["until"], name=item["name"]) for item in items)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # str, not repr: the repr of a UnicodeDecodeError contains the whole file, and so the secrets
        reason = os_error_text(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise SecretFault(_unreadable_text(path, reason)) from error
    if not found or not all(map(_is_valid, found)):
        raise SecretFault(_unreadable_text(path, Phrase("no secret of full length in it")))
    lasting = [secret.name for secret in found if secret.until is None]
    if len(set(lasting)) < len(lasting) or not {secret.name for secret in found} <= set(lasting):
        raise SecretFault(_unreadable_text(path, Phrase("a name does not have exactly one secret without an end")))
    return found


def _is_valid(secret: Secret) -> bool:
    value, until, name = secret.value, secret.until, secret.name
    return (
        isinstance(value, str)
        and bool(_VALUE.fullmatch(value))
        and (until is None or (isinstance(until, int) and until <= _LATEST_MOMENT))
        and isinstance(name, str)
        and bool(_NAME.fullmatch(name))
    )


def _unreadable_text(path: Path, reason: str) -> str:
    return Phrase(
        "the secret in {path} cannot be read ({reason}). Put the file back from a copy, or move it away: "
        "then a new secret is made, and the callback URL in Cloud Monitor's rules must be changed.",
        path=path,
        reason=reason,
    )
