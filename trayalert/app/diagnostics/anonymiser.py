"""Replaces the names of people, computers and resources in strings.

In doubt, a word counts as a name. Equal names get equal replacements: `id-` and eight hexadecimal digits of a keyed
hash. Each anonymiser has its own random key, which is never stored. Therefore, names in two bundles cannot be matched,
and a name cannot be found by hashing a list of candidates.
"""

import getpass
import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trayalert.domain.text import printable

_SHORTEST = 3
"""Minimum length of a name that is hidden, in UTF-8 bytes. A single Chinese character is three bytes long.

A shorter name does not identify anyone.
"""
_COMMON = frozenset({"root", "user", "admin", "localhost", "home"})
"""Common names of users and computers. Common names are not hidden, because they do not identify anyone."""
_SHOWN = 78
"""Maximum number of characters of a value that a message shows. A longer value is cut off with `…`."""

_HOME = re.compile(r"((?:/home|/Users|\\Users)[/\\])[^/\\\s\"':,;]+")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z?")
# the repetitions are bounded: a crash file may contain a word of 64 KiB, and an unbounded search would start again at
# each character of that word
_MAIL = r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}"
_URL = r"\b[a-z][a-z0-9+.-]{0,20}://(?:[^/\s@\"']{0,200}@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^/\s:?#\"'<>,;)\]}]{1,255})"
_ADDRESS = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*[:.])[0-9A-Fa-f:.]{2,}+(?!\w)")
_DOMAIN = re.compile(
    r"\b(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.){1,10}"
    r"(?:com|net|org|edu|gov|cn|io|dev|cloud|internal|local|lan|home|corp|example|test|invalid)(?![\w-]|\.\w)"
)
_WORD = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")


class Anonymiser:
    """Replaces names in strings.

    `names` are strings to hide wherever they occur. `places` maps words such as `<data dir>` to paths. Each word
    replaces its path in the strings.
    """

    def __init__(self, names: Iterable[str] = (), places: Mapping[str, Path] | None = None) -> None:
        self._key = secrets.token_bytes(32)
        folders = {str(path): word for word, path in (places or {}).items()}
        own = [name for name in (_user(), socket.gethostname()) if name.lower() not in _COMMON]
        forms = {form for name in (*names, *own) for form in (name, printable(name, limit=1000), repr(name)[1:-1])}
        hidden = {name for name in forms if len(name.encode("utf-8", "replace")) >= _SHORTEST and not _is_local(name)}
        self._words = {**{name: self.hashed(name) for name in hidden}, **folders, **_home(folders)}
        longest_first = sorted(self._words, key=len, reverse=True)
        words = "|".join(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in longest_first) or "(?!)"
        self._names = re.compile(f"(?P<mail>{_MAIL})|(?P<word>{words})|{_URL}")
        self._prefixes = {name[:length] for name in hidden for length in range(1, min(len(name), _SHOWN) + 1)}

    def hashed(self, name: str) -> str:
        """Return the replacement for a name."""
        return f"id-{hmac.new(self._key, name.lower().encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:8]}"

    def setting(self, value: str) -> str:
        """Return the replacement for the value of a setting.

        In a URL, only the names are replaced. A loopback address and the address of all interfaces are returned
        unchanged, because every computer has them. Any other value is replaced as a whole.
        """
        if _is_local(value):
            return value
        return self.text(value) if "://" in value else self.hashed(value)

    def text(self, text: str) -> str:
        """Return the string with all names replaced."""
        pieces, end = [], 0
        for match in self._names.finditer(text):
            pieces += [self._hide_patterns(text[end : match.start()]), self._hide_name(match)]
            end = match.end()
        return "".join((*pieces, self._hide_patterns(text[end:])))

    def value(self, value: Any) -> Any:
        """Return a JSON value with the names in its strings replaced.

        Keys are kept, because trayalert defines them, and numbers are kept, because they are sizes and counts.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(name): self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def _hide_name(self, match: re.Match[str]) -> str:
        if match["word"]:
            return self._words[match[0]]
        if match["mail"]:
            return self.hashed(match[0])
        scheme, host = match[0].partition("://")[0], match["host"].strip("[]")
        return f"{scheme}://{match['host'] if _is_local(host) else self.hashed(host)}"

    def _hide_patterns(self, text: str) -> str:
        """Replace everything that looks like an address, a domain, an id or the name of a home folder.

        Also replace known names that were cut off with `…`.
        """
        if "…" in text:
            *cut, rest = text.split("…")
            text = "…".join((*map(self._hide_prefix, cut), rest))
        text = _HOME.sub(lambda match: match[1] + self.hashed(match[0]), text)
        text = _ADDRESS.sub(self._hide_address, text)
        text = _DOMAIN.sub(lambda match: self.hashed(match[0]), text)
        return _WORD.sub(lambda match: self.hashed(match[0]) if _is_id(match[0]) else match[0], text)

    def _hide_address(self, match: re.Match[str]) -> str:
        whole = match[0]
        for address in (whole.rstrip(":."), whole.rpartition(":")[0]):
            if _is_address(address):
                return whole if _is_local(address) else self.hashed(address) + whole[len(address) :]
        return whole

    def _hide_prefix(self, text: str) -> str:
        """If `text` ends with the beginning of a known name, replace this beginning.

        `text` is the part of a string before a `…`. The `…` may stand for the rest of a name.
        """
        for length in range(min(len(text), _SHOWN), 1, -1):
            if text[-length:] in self._prefixes:
                return text[:-length] + self.hashed(text[-length:])
        return text


def _is_id(word: str) -> bool:
    """Return whether a word looks like the id of a resource or an account, or like a token.

    Examples are `i-bp1a2b3c4d5e`, a number of 16 digits, and a UUID.
    """
    if re.fullmatch(r"id-[0-9a-f]{8}", word):
        return False
    parts = [part for part in re.split("[-_]", word) if not _STAMP.fullmatch(part)]
    if any(part.isdigit() and len(part) >= 12 for part in parts):
        return True
    if any(len(part) >= 12 and _has_alpha_and_digit(part) for part in parts):
        return True
    if sum(len(part) >= 4 and bool(re.fullmatch("[0-9A-Fa-f]+", part)) for part in parts) >= 5:
        return True
    return (
        "-" in word
        and bool(parts)
        and parts[0].isalpha()
        and any(len(part) >= 8 and _has_alpha_and_digit(part) for part in parts[1:])
    )


def _has_alpha_and_digit(part: str) -> bool:
    return bool(re.search("[0-9]", part) and re.search("[A-Za-z]", part))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_local(name: str) -> bool:
    """Return whether a name is `localhost`, a loopback address, or the address of all interfaces."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name.lower() == "localhost"
    return address.is_loopback or address.is_unspecified


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # the user id has no name
        return ""


def _home(folders: Mapping[str, str]) -> dict[str, str]:
    try:
        home = Path.home()
    except RuntimeError:
        return {}
    return {} if str(home) in folders or home == Path(home.root) else {str(home): "<home>"}
