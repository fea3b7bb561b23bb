"""The value of a secret from the secret store.

Only the one method that returns the text shows the secret. Every other operation on the value hides it.
"""

import copy
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from tests.services.access.memory_secrets import MemorySecrets
from trayalert.services.access.secret_store import SecretStore, SecretValue
from trayalert.services.access.secrets import SecretFault

TEXT = "t0k3n-0123456789"


@dataclass
class Account:
    """An object that contains a secret."""

    key: SecretValue


def logged(secret: SecretValue) -> str:
    stream = io.StringIO()
    logger = logging.Logger("secret")  # noqa: LOG001 - a logger used by this test only
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("%s %r %s", secret, secret, {"key": secret})
    return stream.getvalue()


def formatted_traceback(secret: SecretValue) -> str:
    def fail(held: SecretValue) -> None:
        raise ValueError(held, f"{held} is wrong")

    try:
        fail(secret)
    except ValueError as error:
        made = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(made.format())


SHOWN: dict[str, Callable[[SecretValue], object]] = {
    "repr": repr,
    "str": str,
    "an f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret!a} {secret:>99}",
    "format": lambda secret: "{} {:s}".format(secret, secret) + format(secret, "x"),  # noqa: UP032
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
    "containers": lambda secret: f"{[secret]} {(secret,)} { ({'a': secret}) } {Account(secret)}",
    "pretty print": lambda secret: pprint.pformat({"a": [secret]}),
    "a log line": logged,
    "a traceback": formatted_traceback,
    "a listing of attributes": lambda secret: (dir(secret), getattr(secret, "__dict__", {})),
}
WRITTEN: dict[str, Callable[[SecretValue], object]] = {
    "pickle": pickle.dumps,
    "old pickle": lambda secret: pickle.dumps({"a": secret}, protocol=0),
    "JSON": json.dumps,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "dataclass": lambda secret: asdict(Account(secret)),
}


@pytest.mark.parametrize("means", SHOWN)
def test_what_shows_a_value_shows_no_secret(means: str) -> None:
    shown = str(SHOWN[means](SecretValue(TEXT)))

    assert TEXT not in shown
    assert means == "a listing of attributes" or "SecretValue(***)" in shown


@pytest.mark.parametrize("means", WRITTEN)
def test_what_writes_a_value_refuses_a_secret(means: str) -> None:
    with pytest.raises(TypeError) as refusal:
        WRITTEN[means](SecretValue(TEXT))

    assert TEXT not in str(refusal.value)


def test_who_needs_the_text_asks_for_it() -> None:
    store: SecretStore = MemorySecrets({"robot": TEXT})

    assert store.get("robot").reveal() == TEXT
    assert store.get("robot").warning is None
    with pytest.raises(SecretFault, match=r"^There is no secret pager\.$"):
        store.get("pager")


def test_the_checks_find_a_value_that_shows_itself() -> None:
    class Open(SecretValue):
        __slots__ = ()

        def __repr__(self) -> str:
            return self.reveal()

        def __reduce_ex__(self, protocol: Any) -> Any:
            return str, (self.reveal(),)

    assert all(TEXT in str(SHOWN[means](Open(TEXT))) for means in SHOWN if means != "a listing of attributes")
    assert TEXT.encode() in pickle.dumps(Open(TEXT))
