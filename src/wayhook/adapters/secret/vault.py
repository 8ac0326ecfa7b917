"""Secrets from HashiCorp Vault or OpenBao: `vault:MOUNT/PATH#KEY`; needs the extra `vault`."""

from __future__ import annotations

import asyncio
from typing import Any

from wayhook.errors import MissingExtra, SecretMissing
from wayhook.secret import SecretReference

__all__ = ["VaultSecrets"]

_TIMEOUT = 5.0


class VaultSecrets:
    """Reads `vault:MOUNT/PATH#KEY` from the second version of Vault's key-value engine, the newest version of it.

    `client`: an `hvac.Client` that knows who you are; unless given one is made of the environment variables
    `VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_NAMESPACE` and `VAULT_CACERT`, as Vault's own command does. Each look is a
    request of at most 5 seconds: put `CachedSecrets` around it. Raises `MissingExtra` without the library.
    """

    def __init__(self, client: Any = None) -> None:
        try:
            import hvac
        except ImportError:
            raise MissingExtra("secrets in Vault need hvac: pip install 'wayhook[vault]'") from None
        self._client = client or hvac.Client(timeout=_TIMEOUT)

    async def reveal(self, reference: SecretReference) -> str:
        """Return the text of the key; raise `SecretMissing` when it is not there, no text, or Vault is away."""
        scheme, _, place = reference.source.partition(":")
        path, _, key = place.partition("#")
        mount, _, path = path.partition("/")
        if scheme != "vault" or not mount or not path or not key:
            raise SecretMissing(f"the secret {reference.source} is no place in Vault; write vault:MOUNT/PATH#KEY")
        return await asyncio.to_thread(self._read, reference.source, mount, path, key)

    def _read(self, source: str, mount: str, path: str, key: str) -> str:
        from hvac.exceptions import VaultError
        from requests import RequestException  # what hvac lets through where Vault is away

        try:
            kept = self._client.secrets.kv.v2.read_secret_version(
                path, mount_point=mount, raise_on_deleted_version=True
            )
        except (VaultError, RequestException) as error:
            raise SecretMissing(f"the secret {source} cannot be read from Vault: {type(error).__name__}") from None
        text = kept["data"]["data"].get(key)
        if not isinstance(text, str) or not text:
            raise SecretMissing(f"the secret {source} is not there; Vault has no text under this key")
        return text
