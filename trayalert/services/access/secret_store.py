"""The secret store, which keeps secrets for other services, such as the tunnel's token.

A service gets a secret from the store each time that the service needs the secret. The service keeps no copy, except
to mask the secret in output.
"""

from typing import NoReturn, Protocol


class SecretValue:
    """A secret that hides its text from repr, str and format. A SecretValue cannot be pickled or copied.

    `warning` is a sentence about a danger to the secret, for example that every user of the computer can read the
    secret's file. `warning` is None if no danger is known.
    """

    __slots__ = ("_text", "warning")

    def __init__(self, text: str, *, warning: str | None = None) -> None:
        self._text = text
        self.warning = warning

    def reveal(self) -> str:
        """Return the text of the secret. Call this method only where the text itself is needed."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a secret is never written down")


class SecretStore(Protocol):
    """Keeps secrets for other services. `app/platform/` implements this protocol."""

    def get(self, reference: str) -> SecretValue:
        """Return the secret with the given reference. The settings contain the reference, such as the path of a file.

        Raise SecretFault if the secret cannot be read. The message of the exception never contains the secret.
        """
