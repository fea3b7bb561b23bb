"""A secret store for tests that keeps its secrets in memory."""

from collections.abc import Mapping

from trayalert.services.access.secret_store import SecretValue
from trayalert.services.access.secrets import SecretFault


class MemorySecrets:
    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._secrets = secrets or {}

    def get(self, reference: str) -> SecretValue:
        if reference not in self._secrets:
            raise SecretFault(f"There is no secret {reference}.")
        return SecretValue(self._secrets[reference])
