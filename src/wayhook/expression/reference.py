"""Reading references: the fields of a context, collections and maps. No I/O.

Section 1.6 of `reference/expression-language.md`. What is absent is null, and so is what is below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any

from wayhook.expression.effort import PER_ITEM, spend
from wayhook.expression.fault import Fault
from wayhook.expression.operator import truth
from wayhook.expression.syntax import Source
from wayhook.expression.type import MAX_ITEMS, identity, kind_of
from wayhook.values import Misfit, datetime_text

__all__ = [
    "Evaluate",
    "StepOf",
    "element_path",
    "field_step",
    "path_step",
    "plain_path",
    "slot_of",
    "stepped",
    "with_params",
]

PER_ANSWER = 100

Evaluate = Callable[[Any], Any]
"""Takes a `Context`, or the `Frame` of one evaluation of it, and gives a value."""

StepOf = Callable[[Any, Any], Any]
"""Takes the frame and a value that is not null, and gives the value one step further."""

_PARTS = {
    Source.EVENT: "events",
    Source.DATA_SOURCE: "data_sources",
    Source.ACTION: "actions",
    Source.DATASET_LOOKUP: "dataset_lookups",
    Source.JOURNEY: "journey",
}


_SLOTS = {source: slot for slot, source in enumerate(_PARTS)}


def slot_of(source: Source) -> int:
    """Return where the current element of a source is among `Frame.current`."""
    return _SLOTS[source]


def plain_path(source: Source, names: tuple[str, ...], place: int) -> Evaluate:
    """Return what reads a path of names."""
    root = attrgetter(_PARTS[source])

    def read(frame: Any) -> Any:
        value = root(frame)
        for name in names:
            value = value.get(name) if type(value) is dict else _field_at(frame, value, name, place)
            if value is None:
                return None
        return value

    if source is Source.EVENT and len(names) in (2, 3):
        return _event_field(read, *names)
    return read


def _event_field(otherwise: Evaluate, event: str, name: str, below: str | None = None) -> Evaluate:
    """Return the most frequent paths, a field of an event and a field of that, in one step where all are objects."""

    def field(frame: Any) -> Any:
        value = frame.events.get(event)
        return value.get(name) if type(value) is dict else otherwise(frame)

    def field_of_field(frame: Any) -> Any:
        value = frame.events.get(event)
        if type(value) is dict and type(value := value.get(name)) is dict:
            return value.get(below)
        return otherwise(frame)

    return field if below is None else field_of_field


def _field_at(frame: Any, value: Any, name: str, place: int) -> Any:
    try:
        return _field(frame, value, name)
    except Misfit as misfit:
        raise Fault(f"the reference {misfit}", place) from None


def element_path(source: Source, names: tuple[str, ...], place: int) -> Evaluate:
    """Return what reads a path of names from the current element."""
    slot = _SLOTS[source]
    if len(names) == 1:
        return _element_field(slot, names[0], place)

    def read(frame: Any) -> Any:
        value = frame.current[slot]
        for name in names:
            value = value.get(name) if type(value) is dict else _field_at(frame, value, name, place)
            if value is None:
                return None
        return value

    return read


def _element_field(slot: int, name: str, place: int) -> Evaluate:
    def read(frame: Any) -> Any:
        value = frame.current[slot]
        return value.get(name) if type(value) is dict else _field_at(frame, value, name, place)

    return read


def stepped(start: Evaluate, steps: list[StepOf]) -> Evaluate:
    """Return what takes the steps from where `start` is."""
    if not steps:
        return start
    if len(steps) == 1:
        return _stepped_once(start, steps[0])

    def read(frame: Any) -> Any:
        value = start(frame)
        for step in steps:
            if value is None:
                return None
            value = step(frame, value)
        return value

    return read


def _stepped_once(start: Evaluate, step: StepOf) -> Evaluate:
    def read(frame: Any) -> Any:
        value = start(frame)
        return None if value is None else step(frame, value)

    return read


def field_step(name: str) -> StepOf:
    """Return the step to a field."""
    return lambda frame, value: value.get(name) if type(value) is dict else _field(frame, value, name)


def _field(frame: Any, value: Any, name: Any) -> Any:
    """A field of an object; of a list, the list of that field of every element, lists in it flattened once."""
    if isinstance(value, Mapping):
        return value.get(name)
    if not isinstance(value, list | tuple):
        return None
    if len(value) > MAX_ITEMS:
        raise Misfit(f"takes lists of at most {MAX_ITEMS:,} items; read less")
    spend(frame, PER_ITEM * len(value))
    found: list[Any] = []
    for item in value:
        field = item.get(name) if isinstance(item, Mapping) else None
        if not isinstance(field, list | tuple):
            found.append(field)
        elif len(field) <= MAX_ITEMS - len(found):
            found += field
        else:
            raise Misfit(f"gives a list of more than {MAX_ITEMS:,} items; read less")
    spend(frame, PER_ITEM * len(found))
    return found


def path_step(name: str, source: Source, argument: Evaluate | None, weight: int = 0) -> StepOf:
    """Return the step of a path function; `argument`: its condition, index or key; `weight`: what a condition costs."""
    if name in _MAPS:
        return _MAPS[name]
    if name == "entry":
        assert argument is not None  # noqa: S101 - the parser requires it
        return _entry(argument)
    if name == "at":
        assert argument is not None  # noqa: S101 - the parser requires it
        return _at(argument)
    return _without_condition(name) if argument is None else _picking(name, source, argument, weight)


def _items(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise Misfit(f"takes a list; {name} looks into {kind_of(value)}")
    if len(value) > MAX_ITEMS:
        raise Misfit(f"takes lists of at most {MAX_ITEMS:,} items; read less")
    return value  # type: ignore[return-value]  # a sequence


def _at(argument: Evaluate) -> StepOf:
    def at(frame: Any, value: Any) -> Any:
        items, index = _items("at", value), argument(frame)
        if index is None:
            return None
        if kind_of(index) != "integer":
            raise Misfit(f"takes an integer as index, not {kind_of(index)}")
        return items[index] if 0 <= index < len(items) else None

    return at


def _entry(argument: Evaluate) -> StepOf:
    def entry(frame: Any, value: Any) -> Any:
        key = argument(frame)
        if key is None:
            return None
        if kind_of(key) != "string":
            raise Misfit(f"takes a string as key, not {kind_of(key)}")
        if not isinstance(value, Mapping | list | tuple):
            raise Misfit(f"takes a map; entry looks into {kind_of(value)}")
        return _field(frame, value, key)

    return entry


def _map(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Misfit(f"takes a map; {name} looks into {kind_of(value)}")
    return value


def _keys(frame: Any, value: Any) -> list[str]:
    names = _map("keys", value)
    if len(names) > MAX_ITEMS:
        raise Misfit(f"takes maps of at most {MAX_ITEMS:,} entries; read less")
    spend(frame, PER_ITEM * len(names))
    return list(names)


_MAPS: dict[str, StepOf] = {
    "keys": _keys,
    "firstEntryKey": lambda _, value: next(iter(_map("firstEntryKey", value)), None),
}


def _picking(name: str, source: Source, condition: Evaluate, weight: int) -> StepOf:
    """`all`, `first` and `last`: the elements for which the condition holds. All rounds are paid for first."""
    slot, is_one, weight = _SLOTS[source], name != "all", weight + PER_ITEM

    def pick(frame: Any, value: Any) -> Any:
        items = _items(name, value)
        spend(frame, weight * len(items))
        found, current, outer = [], frame.current, frame.current[slot]
        for item in reversed(items) if name == "last" else items:
            current[slot] = item
            holds = condition(frame)
            if holds is True or (holds is not False and truth(holds)):
                found.append(item)
                if is_one:
                    break
        current[slot] = outer
        return (found[0] if found else None) if is_one else found

    return pick


def _without_condition(name: str) -> StepOf:
    def pick(frame: Any, value: Any) -> Any:
        items = _items(name, value)
        if name == "all":
            spend(frame, PER_ITEM * len(items))
            return list(items)
        return items[0 if name == "first" else -1] if items else None

    return pick


def with_params(path: tuple[str, ...], params: list[tuple[str, Evaluate]], place: int) -> Evaluate:
    """Return what gives the part of a data source that was asked with the parameters.

    Of a source that was asked with other parameters only, null; of one that was never asked, what the context has.
    """
    longest = len(".".join(path))

    def read(frame: Any) -> Any:
        try:
            spend(frame, PER_ANSWER * len(frame.answers))
            wanted = {name: _comparable(evaluate(frame), frame) for name, evaluate in params}
            answers = [
                answer
                for answer in frame.answers
                if len(answer.source) <= longest and answer.path == path[: len(answer.path)]
            ]
            for answer in answers:
                if len(answer.params) != len(wanted):
                    continue
                if {name: _comparable(value, frame) for name, value in answer.params.items()} == wanted:
                    return _below(frame, answer.data, path[len(answer.path) :])
            return None if answers else _below(frame, frame.data_sources, path)
        except Misfit as misfit:
            raise Fault(f"the reference {misfit}", place) from None

    return read


def _below(frame: Any, value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        value = None if value is None else _field(frame, value, name)
    return value


def _comparable(value: Any, frame: Any) -> Any:
    """A parameter as it is compared: dates and times by the text that JSON has for them."""
    return datetime_text(value) if isinstance(value, date) else identity(value, frame)
