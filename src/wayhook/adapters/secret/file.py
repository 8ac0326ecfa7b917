"""Secrets from files: `file:/run/secrets/key.pem`, as container platforms hand them over."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wayhook.errors import SecretMissing
from wayhook.secret import SecretReference

__all__ = ["FileSecrets"]

SIZE_LIMIT = 65_536


class FileSecrets:
    """Reads `file:PATH` at the moment of the call, so that a rotated file counts.

    The file holds UTF-8 text of at most 64 KiB; line ends behind the text are not part of the secret.
    """

    async def reveal(self, reference: SecretReference) -> str:
        """Return the file's text; raise `SecretMissing` when it cannot be read or is empty."""
        scheme, _, path = reference.source.partition(":")
        text = await asyncio.to_thread(_text, path) if scheme == "file" else ""
        if not text:
            raise SecretMissing(f"the secret {reference.source} cannot be read; give the path of a file with its text")
        return text


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        return content.decode().rstrip("\r\n") if len(content) <= SIZE_LIMIT else ""
    except (OSError, UnicodeDecodeError):
        return ""
