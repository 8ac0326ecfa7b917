"""One reading of a source: what the caller gave for it, and what is found on the way. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.formats.foreign.imported import FoundSecret, Imported, LeftOut, Limit
from wayhook.jsonvalue import is_unicode
from wayhook.model.action import Action
from wayhook.model.connection import Connection
from wayhook.model.parameter import Variable
from wayhook.model.shape import NAME_LIMIT, type_fault
from wayhook.secret import SecretReference

__all__ = ["Intake", "Secrets", "Variables", "title"]

Secrets = Mapping[str, str | SecretReference]
Variables = Mapping[str, str | Variable]
_SHOWN = 80
_MAX_LISTED = 1000
_MAX_SECRETS = 2000
"""Each of them is looked for in every text that follows."""
MAX_SCHEMAS = 500_000
"""Schemas that are read of one document, those that are referred to again and again counted each time."""
_TELLING = 6
"""Signs that a secret has at least, so that finding it elsewhere tells something."""


@attrs.define
class Intake:
    """What one import was given and what it found: secrets by their places, faults, and what is left out.

    `name`: of the action, where the caller gave one. `used`: which secrets and variables of the caller met a place.
    `spelled`: their places as the caller wrote them. `names`: of actions, with the number that the next one gets.
    `places`: where variables can be. `references`: by place and text of a secret; these texts go with the intake.
    """

    name: str = ""
    given_secrets: dict[str, SecretReference] = attrs.Factory(dict)
    given_variables: dict[str, Variable] = attrs.Factory(dict)
    secrets: list[FoundSecret] = attrs.Factory(list)
    left_out: list[LeftOut] = attrs.Factory(list)
    faults: list[Violation] = attrs.Factory(list)
    used: set[str] = attrs.Factory(set)
    spelled: dict[str, str] = attrs.Factory(dict)
    names: dict[str, int] = attrs.Factory(dict)
    places: list[str] = attrs.Factory(list)
    references: dict[tuple[str, str], SecretReference] = attrs.Factory(dict)
    more: int = 0
    more_faults: int = 0
    schemas_left: int = attrs.Factory(lambda: MAX_SCHEMAS)

    @classmethod
    def of(cls, name: object, secrets: object, variables: object) -> Intake:
        """Return an intake for what a caller gave; raises `DefinitionError` with everything that is wrong with it."""
        faults = list(type_fault(name, str, "$.name", "a name"))
        intake = cls(name if isinstance(name, str) else "")
        for path, given, wanted in (("$.secrets", secrets, "references"), ("$.variables", variables, "labels")):
            faults += type_fault({} if given is None else given, Mapping, path, f"a mapping of places to {wanted}")
        for place, value in secrets.items() if isinstance(secrets, Mapping) else ():
            faults += intake._take_secret(place, value)
        for place, value in variables.items() if isinstance(variables, Mapping) else ():
            faults += intake._take_variable(place, value)
        if faults:
            raise DefinitionError(faults)
        return intake

    def _take_secret(self, place: object, value: object) -> Iterator[Violation]:
        if not isinstance(place, str):
            yield Violation("$.secrets", f"a place is a name, not {type(place).__name__}")
            return
        try:
            reference = SecretReference(value) if isinstance(value, str) else value
        except DefinitionError as error:
            yield from (attrs.evolve(fault, path=f"$.secrets.{place[:_SHOWN]}") for fault in error.violations)
            return
        if isinstance(reference, SecretReference):
            self.given_secrets[place.lower()] = reference
            self.spelled[place.lower()] = place
        else:
            message = f"'env:NAME' or wayhook.secret(…) belongs here, not {type(value).__name__}"
            yield Violation(f"$.secrets.{place[:_SHOWN]}", message)

    def _take_variable(self, place: object, value: object) -> Iterator[Violation]:
        if not isinstance(place, str) or not isinstance(value, str | Variable):
            yield Violation("$.variables", "a mapping of places to labels, or to wayhook.variable(…), belongs here")
            return
        self.given_variables[place] = value if isinstance(value, Variable) else Variable(value)

    def fault(self, path: str, message: str, rule: str = "") -> None:
        """Remember what makes the import impossible, once; beyond a thousand such things they are counted."""
        found = Violation(path, message, rule)
        if len(self.faults) >= _MAX_LISTED:
            self.more_faults += 1
        elif found not in self.faults[-20:]:
            self.faults.append(found)

    def leave_out(self, path: str, what: str, why: str) -> None:
        """Remember what is not carried over, once; beyond a thousand things they are counted."""
        found = LeftOut(path, what if len(what) <= _SHOWN else what[: _SHOWN - 1] + "…", why)
        if len(self.left_out) >= _MAX_LISTED:
            self.more += 1
        elif found not in self.left_out[-20:]:
            self.left_out.append(found)

    def given(self, place: str) -> SecretReference | None:
        """Return the reference that the caller gave for a place, in any letter case, or None."""
        reference = self.given_secrets.get(place.lower())
        if reference is not None:
            self.used.add(place.lower())
        return reference

    def variable(self, place: str) -> Variable | None:
        """Return the variable that the caller wants at a place, or None."""
        found = self.given_variables.get(place)
        if found is not None:
            self.used.add(f"variable {place}")
        return found

    def secret(self, place: str, owner: str, holds: str, *, called: str = "", text: str = "") -> SecretReference:
        """Return the reference for a secret at a place: the caller's, or one named for its owner and the place.

        `called`: what the source itself calls it, such as a variable; it gives the name then. `text`: of the secret,
        where it is known; the same one at such a place of several requests has one reference.
        """
        made = _environment(called) if called else self._free(owner, place)
        known = self.references.get((place.lower(), text)) if text else None
        reference = self.given(place) or known or SecretReference(f"env:{made}")
        self.references[place.lower(), text] = reference
        self.found(place, reference, holds)
        return reference

    def knows(self, text: str) -> bool:
        """Whether a text holds one that was found to be a secret elsewhere."""
        return any(len(known) >= _TELLING and known in text for _, known in self.references)

    def found(self, place: str, reference: SecretReference, holds: str) -> None:
        """Remember where a secret is to be kept."""
        found = FoundSecret(place, reference, holds)
        if found not in self.secrets:
            if len(self.secrets) >= _MAX_SECRETS:
                message = f"more than {_MAX_SECRETS:,} secrets are in this; give a part of it, or ask for one request"
                raise DocumentError([*self.faults, Violation("$", message)])
            self.secrets.append(found)

    def _free(self, owner: str, place: str) -> str:
        """A name of an environment variable that stands for no other place."""
        name = _environment(f"{owner}_{place}")
        taken = {each.reference.source for each in self.secrets if each.place != place}
        numbered = (_with_number(name, number) for number in count(1))
        return next(free for free in numbered if f"env:{free}" not in taken)

    def named(self, *wanted: str) -> str:
        """Return the name of an action: the caller's, or a legal one made of the first of `wanted` that has letters.

        Each is another one: the second of the same name gets a number.
        """
        legal = self.name or next(filter(None, map(title, wanted)), "Imported")
        for number in count(self.names.get(legal, 1)):
            name = _with_number(legal, number, 0 if self.name else NAME_LIMIT)
            if name not in self.names:
                self.names[legal], self.names[name] = number + 1, 1
                return name
        raise AssertionError  # there is always another number

    def imported(
        self,
        actions: Iterable[Action] = (),
        connections: Iterable[Connection] = (),
        limits: Iterable[Limit] = (),
    ) -> Imported:
        """Return what was read; raises `DocumentError` with every fault, `DefinitionError` for places that are none."""
        self.require_none()
        if faults := list(self._strangers()):
            raise DefinitionError(faults)
        if self.more:
            self.left_out.append(LeftOut("$", f"{self.more:,} more things", "nobody would read them all"))
        return Imported(tuple(actions), tuple(connections), tuple(limits), tuple(self.secrets), tuple(self.left_out))

    def require_none(self) -> None:
        """Raise `DocumentError` with every fault so far, if there is one."""
        if self.more_faults:
            self.faults.append(Violation("$", f"there are {self.more_faults:,} more faults; mend these first"))
        if self.faults:
            raise DocumentError(self.faults)

    def _strangers(self) -> Iterator[Violation]:
        """What the caller gave for places that are not there."""
        for given, path, prefix, known in (
            (self.given_secrets, "$.secrets", "", [found.place for found in self.secrets]),
            (self.given_variables, "$.variables", "variable ", self.places),
        ):
            for place in given:
                if f"{prefix}{place}" not in self.used:
                    close = closest(place, known)
                    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(known[:8]) or 'none'}"
                    shown_place = self.spelled.get(place, place)[:_SHOWN]
                    yield Violation(f"{path}.{shown_place}", f"the source has no such place; {hint}")


def _environment(text: str) -> str:
    """The name of an environment variable."""
    words = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_") or "SECRET"
    return f"_{words}" if words[0].isdigit() else words


def title(text: str) -> str:
    """Return a text as the name of an action: its words joined, letters and digits only, at most 30 (R2 to R7)."""
    words: list[str] = re.findall(r"[A-Za-z0-9_]+", text)
    if len(words) == 1:
        return words[0][:NAME_LIMIT]
    return "".join(word[0].upper() + word[1:] for word in words)[:NAME_LIMIT]


def _with_number(name: str, number: int, limit: int = 0) -> str:
    """The name, from 2 on with its number, cut so that it is within the limit."""
    suffix = f"_{number}" if number > 1 else ""
    return (name[: limit - len(suffix)] if limit and suffix else name) + suffix


def shown(value: Any) -> str:
    """Return what stands somewhere, for a message: its kind, never its text."""
    if value is None:
        return "null"
    kinds: dict[type, str] = {dict: "an object", list: "an array", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def well_formed(name: str) -> str:
    """Return a name that may be shown: a long or strange one is told by what it is."""
    return name if is_unicode(name) and name.isprintable() and len(name) <= _SHOWN else "a name"
