"""How an action is read from other people's formats without knowing who reads.

The readers live in the `formats` room, above the model. The front door hangs them in here, so that `Action` at the
bottom need not reach up.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from wayhook.model.action import Action
    from wayhook.model.parameter import Variable
    from wayhook.secret import SecretReference

    Secrets = Mapping[str, str | SecretReference]
    Variables = Mapping[str, str | Variable]

__all__ = ["Importable", "read_with"]


_read: Callable[..., Any]
"""Set when `wayhook` is imported, and so before anything of it is used."""


def read_with(read: Callable[..., Any]) -> None:
    """Let `read` call a reader by its name, such as `from_curl`, with what it takes; it returns an `Imported`."""
    global _read  # noqa: PLW0603 - the one place where the front door hangs the readers in
    _read = read


def _action(reader: str, *source: object, **settings: object) -> Action:
    """The one action of what a reader gives, with a warning for each thing that was left out."""
    import warnings

    from wayhook.errors import NotCarriedOver

    imported = _read(reader, *source, **settings)
    action: Action = imported.action
    for each in imported.left_out:
        warnings.warn(str(each), NotCarriedOver, stacklevel=3)
    return action


class Importable:
    """A value that is read from other people's formats; `wayhook.from_curl` and its like tell more of what they find.

    Each of its methods gives one Python warning, `wayhook.NotCarriedOver`, for everything that it leaves out, and
    raises `DefinitionError` where a source has more than one action.
    """

    __slots__ = ()

    @classmethod
    def from_curl(
        cls, text: str, *, name: str = "", variables: Variables | None = None, secrets: Secrets | None = None
    ) -> Action:
        """Return the action of a curl command, as `wayhook.from_curl` reads it."""
        return _action("from_curl", text, name=name, variables=variables, secrets=secrets)

    @classmethod
    def from_openapi(
        cls,
        document: Mapping[str, Any] | str | bytes,
        operation: str,
        *,
        name: str = "",
        server: str | None = None,
        variables: Variables | None = None,
        secrets: Secrets | None = None,
    ) -> Action:
        """Return the action of one operation of an OpenAPI document, as `wayhook.from_openapi` reads it."""
        settings = {"name": name, "server": server, "variables": variables, "secrets": secrets}
        return _action("from_openapi", document, operation, **settings)

    @classmethod
    def from_postman(
        cls,
        collection: Mapping[str, Any] | str | bytes,
        request: str | None = None,
        *,
        name: str = "",
        values: Mapping[str, str] | None = None,
        variables: Variables | None = None,
        secrets: Secrets | None = None,
    ) -> Action:
        """Return the action of one request of a Postman collection, as `wayhook.from_postman` reads it."""
        settings = {"name": name, "values": values, "variables": variables, "secrets": secrets}
        return _action("from_postman", collection, request, **settings)

    @classmethod
    def from_har(
        cls,
        entry_or_log: Mapping[str, Any] | str | bytes,
        request: str | None = None,
        *,
        name: str = "",
        variables: Variables | None = None,
        secrets: Secrets | None = None,
    ) -> Action:
        """Return the action of one request of a HAR, as `wayhook.from_har` reads it."""
        return _action("from_har", entry_or_log, request, name=name, variables=variables, secrets=secrets)
