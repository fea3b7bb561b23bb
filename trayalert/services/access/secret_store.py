"""The secret store: where secrets for other services are kept, such as the tunnel's token.

A service gets the store, asks for a secret by its reference when the secret is needed, and keeps no copy.
"""

from typing import NoReturn, Protocol


class SecretValue:
    """A secret. Neither repr, str nor any format shows its text, and it cannot be pickled or copied.

    `warning` is a sentence on what is wrong with how the secret is kept, such as that every user can read it.
    """

    __slots__ = ("_text", "warning")

    def __init__(self, text: str, *, warning: str | None = None) -> None:
        self._text = text
        self.warning = warning

    def reveal(self) -> str:
        """Return the text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "SecretValue(***)"

    def __format__(self, _: str) -> str:
        return repr(self)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a secret is never written down")


class SecretStore(Protocol):
    """Keeps secrets. The app implements it in `app/platform/`."""

    def get(self, reference: str) -> SecretValue:
        """Return the secret that the settings name by `reference`, such as a file's path.

        Raise SecretFault with a sentence, which never holds the secret.
        """
