"""The secret store: where secrets for other services are kept, such as the tunnel's token.

A service is given the store, asks the store for a secret by its reference whenever it needs the secret, and keeps no
copy.
"""

from typing import NoReturn, Protocol


class SecretValue:
    """A secret, whose text no repr, str or format shows, and which cannot be pickled or copied.

    `warning` is a sentence about what is wrong with the way the secret is kept (for example, that every user of the
    computer can read it), or None.
    """

    __slots__ = ("_text", "warning")

    def __init__(self, text: str, *, warning: str | None = None) -> None:
        self._text = text
        self.warning = warning

    def reveal(self) -> str:
        """Return the text of the secret. Called only where the text itself is needed."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a secret is never written down")


class SecretStore(Protocol):
    """Keeps secrets for other services. The classes that implement this protocol are in `app/platform/`."""

    def get(self, reference: str) -> SecretValue:
        """Return the secret that the settings name by `reference`, for example the path of a file.

        Raise SecretFault if the secret cannot be read. The message of the exception never contains the secret.
        """
