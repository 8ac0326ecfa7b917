"""Parts that are chosen by name through entry points, ours and other people's alike.

Groups: `wayhook.repositories` (scheme of a URL to a function of it), `wayhook.transports` (name to a class),
`wayhook.secrets` (scheme of a reference to a class).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from wayhook.errors import DefinitionError, Violation

__all__ = ["plugin"]


@cache
def plugin(group: str, name: str) -> Any:
    """Return what the entry point `name` of `wayhook.<group>` refers to.

    Raises `DefinitionError` that lists the names there are.
    """
    from importlib.metadata import entry_points

    found = entry_points(group=f"wayhook.{group}")
    for entry in found:
        if entry.name == name:
            return entry.load()
    known = ", ".join(sorted(entry.name for entry in found)) or "none; is wayhook installed?"
    message = f"there is no {name[:40]!r} among the {group} installed here ({known})"
    raise DefinitionError([Violation("$", message)])
