"""The address of a store, which may have a password in it."""

from __future__ import annotations

from urllib.parse import urlsplit

from wayhook.errors import DefinitionError, Violation

__all__ = ["require_address"]


def require_address(url: object, schemes: tuple[str, ...], example: str) -> str:
    """Return a URL whose parts are where they seem to be; raises `DefinitionError` for another, and shows none of it.

    A password with `/`, `?` or `#` in it would be taken for a port or a path, and told as such.
    """
    if not isinstance(url, str) or not url.startswith(schemes):
        raise DefinitionError([Violation("$", f"write {example}")])
    try:
        parts = urlsplit(url)
    except ValueError:
        raise DefinitionError([Violation("$", f"this is no URL; write {example}")]) from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        message = "write /, ?, # and @ in a user name or a password as %2F, %3F, %23 and %40"
        raise DefinitionError([Violation("$", message)])
    return url
