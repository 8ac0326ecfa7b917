"""Secrets from the keyring of the operating system: `keyring:SERVICE/NAME`. The one module that imports keyring."""

from __future__ import annotations

import asyncio

from wayhook.errors import MissingExtra, SecretMissing
from wayhook.secret import SecretReference

__all__ = ["KeyringSecrets"]


class KeyringSecrets:
    """Looks `keyring:SERVICE/NAME` up at the moment of the call, so that a changed entry counts.

    The service ends at the first slash; the name may hold more of them.
    """

    async def reveal(self, reference: SecretReference) -> str:
        """Return the entry's text; raise `SecretMissing` without one, and `MissingExtra` without keyring."""
        scheme, _, place = reference.source.partition(":")
        service, _, name = place.partition("/")
        text = await asyncio.to_thread(_text, service, name) if scheme == "keyring" and service and name else ""
        if not text:
            message = f"the secret {reference.source} is not there; keep it with: keyring set SERVICE NAME"
            raise SecretMissing(message)
        return text


def _text(service: str, name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise MissingExtra("secrets of the keyring need keyring: pip install 'wayhook[keyring]'") from None
    try:
        return keyring.get_password(service, name) or ""
    except KeyringError as error:
        kind = type(error).__name__  # its message may name what was looked up, and more than that
        raise SecretMissing(f"the keyring of this system cannot be read ({kind}); unlock it, or install one") from None
