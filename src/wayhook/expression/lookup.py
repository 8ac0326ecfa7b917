"""References, checked against declared types: what a path reads, of which type, step by step. No I/O.

Section 1.6 of `reference/expression-language.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import attrs

from wayhook.errors import closest
from wayhook.expression.declaration import Declarations
from wayhook.expression.fault import Fault
from wayhook.expression.operator import truth_type
from wayhook.expression.reference import (
    Evaluate,
    StepOf,
    element_path,
    field_step,
    path_step,
    plain_path,
    slot_of,
    stepped,
    with_params,
)
from wayhook.expression.syntax import Current, Literal, Node, Path, Reference, Source, Step
from wayhook.expression.type import ExpressionType, item_of, list_of
from wayhook.values import Misfit

__all__ = ["Compiled", "Lookup", "Walker", "nearest"]

Kind = ExpressionType
_BUILT_IN = {"jo_status_code": Kind.STRING}
_LOOP_VARIABLES = {
    Source.EVENT: "currentEventField",
    Source.DATA_SOURCE: "currentDataPackField",
    Source.ACTION: "currentActionField",
    Source.DATASET_LOOKUP: "currentDatasetLookupField",
}


@attrs.frozen
class Compiled:
    """A compiled node.

    `type`: None where only the data tells. `constant`: whether it has the same value for every context. `path`: where
    the fields below it are declared, if it is read from the context. `field`: where the loop variable is kept, and the
    name, if it is a field of the current element and nothing else.
    """

    evaluate: Evaluate
    type: ExpressionType | None = None
    constant: bool = attrs.field(default=False, kw_only=True)
    path: Path | None = attrs.field(default=None, kw_only=True)
    field: tuple[int, str] | None = attrs.field(default=None, kw_only=True)


class Walker(Protocol):
    """What a look-up needs of the compiler: it compiles nodes and notes problems."""

    loops: bool
    weight: int

    def compile(self, node: Node) -> Compiled:
        """Compile a node."""
        ...

    def lazily(self, node: Node) -> Compiled:
        """Compile a node that may never be evaluated."""
        ...

    def problem(self, message: str, place: int) -> None:
        """Note what is wrong at a place of the text."""
        ...

    def checked(self, subject: str, place: int, rule: Callable[[], Any]) -> Any:
        """Return what the rule gives, and note where it refuses."""
        ...


class Lookup:
    """Compiles the references of one expression."""

    def __init__(self, walker: Walker, declared: Declarations) -> None:
        self.walker, self.declared = walker, declared
        self._elements: dict[Source, Compiled] = {}

    def reference(self, node: Reference) -> Compiled:
        """Compile a reference without its default."""
        names = _leading_names(node.steps)
        if node.params:
            params = [(name, self.walker.compile(value).evaluate) for name, value in node.params]
            read = with_params(names, params, node.place)
        else:
            read = plain_path(node.source, names, node.place)
        root = names[:1]
        start = Compiled(read, self.declared.kind(node.source, root), path=(node.source, root))
        for step in node.steps[1 : len(names)]:
            start = self._field(start, step)
        return self._steps(start, node.steps[len(names) :], node.source)

    def current(self, node: Current) -> Compiled:
        """Compile a loop variable."""
        source, element = node.source, self._elements.get(node.source)
        if element is None:
            there = ", ".join(sorted(_LOOP_VARIABLES[each] for each in self._elements))
            remedy = f"here there is {there}" if there else "it stands in the condition of all, first or last only"
            self.walker.problem(f"{_LOOP_VARIABLES[source]} means nothing here; {remedy}", node.place)
            return Compiled(lambda _: None)
        names = _leading_names(node.steps)
        start = attrs.evolve(element, evaluate=element_path(source, names, node.place), field=None)
        for step in node.steps[: len(names)]:
            start = self._field(start, step)
        if len(names) == len(node.steps):
            field = (slot_of(source), names[0]) if len(names) == 1 else None
            return attrs.evolve(start, field=field)
        return self._steps(start, node.steps[len(names) :], source)

    def _steps(self, start: Compiled, steps: tuple[Step, ...], source: Source) -> Compiled:
        found, taken = start, list[StepOf]()
        for step in steps:
            found, take = self._step(found, step, source)
            taken.append(_step_located(take, step))
        return attrs.evolve(found, evaluate=stepped(start.evaluate, taken)) if taken else found

    def _step(self, value: Compiled, step: Step, source: Source) -> tuple[Compiled, StepOf]:
        """The value one step further, and what takes the step."""
        if not step.function:
            return self._field(value, step), field_step(step.name)
        if step.argument is None:
            return self._bare_step(value, step), path_step(step.name, source, None)
        if step.name in ("all", "first", "last"):
            return self._picked(value, step, step.argument, source)
        argument = self.walker.compile(step.argument)
        found = self._at(value, argument, step) if step.name == "at" else self._entry(value, argument, step)
        return found, path_step(step.name, source, argument.evaluate)

    def _field(self, value: Compiled, step: Step) -> Compiled:
        """A field of an object, or of the objects of a list; a name that is not declared beside others is a problem."""
        if value.type is not None and value.type not in (Kind.OBJECT, Kind.LIST_OBJECT, Kind.LIST_ANY, Kind.LIST):
            self.walker.problem(f"a value of type {value.type} has no field {step.name[:40]!r}", step.place)
            return Compiled(value.evaluate)
        if value.path is None:
            return Compiled(value.evaluate)
        source, names = value.path
        kind, known = self.declared.kind(source, (*names, step.name)), self.declared.names(source, names)
        if kind is None and source is Source.ACTION and len(names) == 1:
            kind = _BUILT_IN.get(step.name)
        if kind is None and known:
            self.walker.problem(f"there is no field {step.name[:40]!r} here{nearest(step.name, known)}", step.place)
        path = (source, (*names, step.name))
        return Compiled(value.evaluate, list_of(kind) if value.type is Kind.LIST_OBJECT else kind, path=path)

    def _bare_step(self, value: Compiled, step: Step) -> Compiled:
        if step.name in ("keys", "firstEntryKey"):
            self._wants(value, step, step.name, "a map", Kind.OBJECT)
            return Compiled(value.evaluate, Kind.LIST_STRING if step.name == "keys" else Kind.STRING)
        self._wants_list(value, step)
        return value if step.name == "all" else _element(value)

    def _at(self, value: Compiled, index: Compiled, step: Step) -> Compiled:
        self._wants(index, step, "the index of at", "an integer", Kind.INTEGER)
        self._wants_list(value, step)
        return _element(value)

    def _entry(self, value: Compiled, key: Compiled, step: Step) -> Compiled:
        self._wants(key, step, "the key of entry", "a string", Kind.STRING)
        self._wants(value, step, "entry", "a map", Kind.OBJECT, Kind.LIST_OBJECT)
        name = step.argument.value if isinstance(step.argument, Literal) else None
        if value.path is None or not isinstance(name, str):
            return Compiled(value.evaluate)
        source, names = value.path
        kind, path = self.declared.kind(source, (*names, name)), (source, (*names, name))
        return Compiled(value.evaluate, list_of(kind) if value.type is Kind.LIST_OBJECT else kind, path=path)

    def _wants(self, value: Compiled, step: Step, subject: str, told: str, *kinds: ExpressionType) -> None:
        if value.type is not None and value.type not in kinds:
            self.walker.problem(f"{subject} takes {told}, not {value.type}", step.place)

    def _wants_list(self, value: Compiled, step: Step) -> None:
        if value.type is not None and not value.type.is_list:
            self.walker.problem(f"{step.name} looks into a list, not into {value.type}", step.place)

    def _picked(self, value: Compiled, step: Step, condition: Node, source: Source) -> tuple[Compiled, StepOf]:
        self._wants_list(value, step)
        self.walker.loops = True
        before, self.walker.weight = self.walker.weight, 0
        with self._looping(source, _element(value)):
            test = self.walker.lazily(condition)
        weight, self.walker.weight = self.walker.weight, before
        self.walker.checked(f"the condition of {step.name}", condition.place, lambda: truth_type(test.type))
        return value if step.name == "all" else _element(value), path_step(step.name, source, test.evaluate, weight)

    @contextmanager
    def _looping(self, source: Source, element: Compiled) -> Iterator[None]:
        """Let the loop variable of `source` stand for the element; the one of a loop outside comes back afterwards."""
        outer = dict(self._elements)
        self._elements[source] = element
        yield
        self._elements = outer


def _element(value: Compiled) -> Compiled:
    """An element of a list: of objects, one with the same declared fields."""
    return attrs.evolve(value, type=item_of(value.type))


def _leading_names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The names of a path up to its first path function."""
    end = next((i for i, step in enumerate(steps) if step.function), len(steps))
    return tuple(step.name for step in steps[:end])


def _step_located(take: StepOf, step: Step) -> StepOf:
    subject, place = step.name if step.function else f"the field {step.name!r}", step.place

    def located(frame: Any, value: Any) -> Any:
        try:
            return take(frame, value)
        except Misfit as misfit:
            raise Fault(f"{subject} {misfit}", place) from None

    return located


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the rest of a sentence that names what may have been meant."""
    names = sorted(known)
    close = next((each for each in names if each.lower() == name.lower()), None) or closest(name, names)
    return f"; did you mean {close!r}?" if close else f"; there are {', '.join(names[:8])}" if names else ""
