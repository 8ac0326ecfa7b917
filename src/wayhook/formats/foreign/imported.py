"""What an import gives: actions, connections and limits, the secrets that were found, and what was left out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from wayhook.errors import DefinitionError, Violation
from wayhook.model.action import Action
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.connection import Connection
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.presentation import Presentable
from wayhook.secret import SecretReference

__all__ = ["FoundSecret", "Imported", "LeftOut", "Limit"]

Limit = CappingRule | CappingConfiguration | ThrottlingRule | ThrottlingConfiguration
_NAMES = 20
"""How many names a message lists."""


@attrs.frozen
class LeftOut:
    """One thing of a source that was not carried over.

    `path`: where it stands: `$[3]`, the word of a command from 0, or `$.paths./pets.get.requestBody` of a document.
    `what`: its name, never its value. `why`: the reason, and what to do about it.
    """

    path: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}: {self.why}"


@attrs.frozen
class FoundSecret:
    """One secret of a source. `place`: what `secrets` calls it. `reference`: where it is to be kept.

    `holds`: which text belongs there, in words. The text itself is kept nowhere.
    """

    place: str
    reference: SecretReference
    holds: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reference!r} is to hold {self.holds}"


@attrs.frozen(repr=False)
class Imported(Presentable):
    """What was read from a source.

    `limits`: rules and configurations of capping and throttling. `secrets`: where each secret is to be kept; put the
    texts there. `left_out`: everything that could not be carried over.
    """

    actions: tuple[Action, ...] = ()
    connections: tuple[Connection, ...] = ()
    limits: tuple[Limit, ...] = ()
    secrets: tuple[FoundSecret, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def action(self) -> Action:
        """The one action; raises `DefinitionError` with the names when there is not exactly one."""
        if len(self.actions) == 1:
            return self.actions[0]
        names = [action.name for action in self.actions]
        if not names:
            message = "no action was found here; left_out says why"
        else:
            more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
            message = f"there are {len(names)} actions here, {', '.join(names[:_NAMES])}{more}; ask for one of them"
        raise DefinitionError([Violation("$", message)])

    def __repr__(self) -> str:
        counts = [
            (len(self.actions), "action"),
            (len(self.connections), "connection"),
            (len(self.limits), "limit"),
            (len(self.secrets), "secret"),
        ]
        parts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
        return f"<Imported {', '.join([*parts, f'{len(self.left_out)} left out'])}>"

    def __str__(self) -> str:
        return "\n".join(self._lines()) or repr(self)

    def _lines(self) -> Iterator[str]:
        yield from map(repr, (*self.actions, *self.connections, *self.limits))
        for title, found in (("secrets", self.secrets), ("left out", self.left_out)):
            if found:
                yield f"{title}:"
                yield from (f"  {each}" for each in found)
