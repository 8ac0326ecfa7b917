"""Repositories by URL."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from wayhook.errors import DefinitionError, Violation
from wayhook.execution.plugin import plugin
from wayhook.execution.ports import Repository
from wayhook.model.guardrail import Guardrails

__all__ = ["open_repository"]


def open_repository(url: str, *, guardrails: Guardrails | None = None) -> AbstractAsyncContextManager[Repository]:
    """Open a repository by its URL; an async context manager.

    `url`: `memory:`, `sqlite:///file.db`, or the scheme of another package's entry point in the group
    `wayhook.repositories`: a function of the URL and the guardrails that returns the context manager.
    Raises `DefinitionError` for a scheme nobody serves, and `StoreUnavailable` on entering a store that is newer,
    of another application, or corrupt; it is left untouched.
    """
    if not isinstance(url, str):
        raise DefinitionError([Violation("$", f"a repository is opened by its URL, not {type(url).__name__}")])
    opened: AbstractAsyncContextManager[Repository] = plugin("repositories", url.partition(":")[0])(url, guardrails)
    return opened
