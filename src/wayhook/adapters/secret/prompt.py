"""Secrets that somebody types: `prompt:LABEL`, asked for on the terminal without an echo."""

from __future__ import annotations

import asyncio
import sys
from getpass import getpass
from pathlib import Path

import attrs

from wayhook.errors import SecretMissing
from wayhook.secret import SecretReference

__all__ = ["PromptSecrets"]


@attrs.define(repr=False)
class PromptSecrets:
    """Asks for `prompt:LABEL` on the terminal, once for each label, and remembers the text as long as it lives.

    A call does not wait longer than its timeout: `ask` before it, where somebody types slowly.
    """

    _texts: dict[str, str] = attrs.Factory(dict)
    _asking: asyncio.Lock = attrs.Factory(asyncio.Lock)

    async def reveal(self, reference: SecretReference) -> str:
        """Return what was typed; raise `SecretMissing` where there is no terminal, and when nothing was typed."""
        async with self._asking:
            if reference not in self:
                self._texts[reference.source] = await asyncio.to_thread(_typed, reference.source)
        return self._texts[reference.source]

    def ask(self, reference: SecretReference) -> None:
        """Ask now, for the calls that come; raises as `reveal`."""
        if reference not in self:
            self._texts[reference.source] = _typed(reference.source)

    def __contains__(self, reference: SecretReference) -> bool:
        """Whether its text is known."""
        return reference.source in self._texts


def _typed(source: str) -> str:
    scheme, _, label = source.partition(":")
    if scheme != "prompt" or not _is_terminal():
        message = (
            f"the secret {source} is typed on a terminal, and there is none; refer to env:NAME or file:PATH instead"
        )
        raise SecretMissing(message)
    try:
        text = getpass(f"{label}: ")
    except EOFError:
        text = ""
    if not text:
        raise SecretMissing(f"nothing was typed for the secret {source}")
    return text


def _is_terminal() -> bool:
    """Whether somebody can be asked: there is a terminal, whatever the standard input is."""
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
