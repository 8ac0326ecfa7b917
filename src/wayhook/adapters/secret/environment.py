"""Secrets from environment variables: `env:NAME`."""

from __future__ import annotations

import os

from wayhook.errors import SecretMissing
from wayhook.secret import SecretReference

__all__ = ["EnvironmentSecrets"]


class EnvironmentSecrets:
    """Looks `env:NAME` up in the environment at the moment of the call, so that a changed variable counts."""

    async def reveal(self, reference: SecretReference) -> str:
        """Return the variable's text; raise `SecretMissing` when it is not set or empty."""
        scheme, _, name = reference.source.partition(":")
        text = os.environ.get(name) if scheme == "env" else None
        if not text:
            raise SecretMissing(f"the secret {reference.source} is not there; set the environment variable {name}")
        return text
