"""The data that an expression reads. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any

import attrs

from wayhook.errors import DefinitionError, Violation

if TYPE_CHECKING:
    from uuid import UUID

    from wayhook.expression.declaration import Declarations, Reading

__all__ = ["Context", "DataSourceAnswer"]

INSTANCE_LIMIT = 1_000_000
"""Bytes of JSON that the data of one individual have at most, answers of actions included (R198)."""

MAX_ANSWERS = 10_000
"""Answers of data sources that a document has at most."""

_KEYS = {
    "event": "events",
    "datasource": "data_sources",
    "action": "actions",
    "datasetLookup": "dataset_lookups",
    "journey": "journey",
    "audience": "audiences",
    "now": "now",
    "datasource_params": "answers",
}
_TYPES = "types"
_LISTED = "datasource_params"


def _mapping(_: Context, field: attrs.Attribute[Any], value: Any) -> None:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise DefinitionError([Violation(f"$.{field.name}", f"give a mapping by name, not {type(value).__name__}")])


def _own(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(given) if type(given) is dict or isinstance(given, Mapping) else given


def _listed(given: Iterable[DataSourceAnswer]) -> tuple[DataSourceAnswer, ...]:
    return given if type(given) is tuple else tuple(given) if isinstance(given, Iterable) else given


def _of_answers(_: Context, field: attrs.Attribute[Any], value: Any) -> None:
    if value != () and not (isinstance(value, tuple) and all(isinstance(each, DataSourceAnswer) for each in value)):
        raise DefinitionError([Violation(f"$.{field.name}", "give a sequence of DataSourceAnswer")])


def _random_uuid() -> UUID:
    from uuid import uuid4

    return uuid4()


def _aware(_: Context, field: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, datetime) or value.utcoffset() is None):
        raise DefinitionError([Violation(f"$.{field.name}", "give a date and time with an offset, such as one in UTC")])


def _size(data: Any) -> float:
    """At most so many bytes data have as JSON; endless where they contain themselves, or are too deep or too long to be
    written."""  # noqa: D205, D209 - one sentence
    bound = _bound(data)
    if bound <= _SMALL:
        return bound
    try:
        left = _left(data, INSTANCE_LIMIT)
    except (ValueError, RecursionError):
        return math.inf
    return INSTANCE_LIMIT - left if left >= 0 else math.inf


def _bound(data: Any) -> float:
    """More bytes than data can have as JSON, told quickly of what is small and plain: each sign may become two escapes
    of six bytes, each number as many digits as bits. Endless for all other data, to be measured with care."""  # noqa: D205, D209
    parts, signs = [data], 0
    for part in parts:
        kind = type(part)
        if kind is str:
            signs += len(part)
        elif kind is dict or kind is list:
            if len(part) + len(parts) > _FEW:
                return math.inf
            parts += part
            if kind is dict:
                parts += part.values()
        elif kind is int:
            signs += part.bit_length()
        elif kind not in _SHORT:
            return math.inf
    return _LONGEST_SIGN * signs + _LONGEST_SHORT * len(parts)


_SMALL, _FEW = INSTANCE_LIMIT // 50, 1_000
"""Bytes and parts up to which a bound will do: many of them together still leave room."""
_LONGEST_SIGN, _LONGEST_SHORT = 12, 32
"""Bytes of a sign beyond the first plane, escaped; of a double, or of what stands around a value."""
_SHORT = frozenset({float, bool, type(None)})


def _left(part: Any, left: int) -> int:
    """What a part leaves of so many bytes when it is written as JSON, which nobody does.

    What does not fit is told at once, so that neither a large nor a shared value is looked at to its end (P47).
    """
    if isinstance(part, str):
        left -= len(_quoted(part) if len(part) <= left else part)
    elif isinstance(part, dict):
        left -= 6 * len(part) or 2
        for name, value in part.items() if left >= 0 else ():
            left -= len(_quoted(name) if type(name) is str and len(name) <= left else str(name)) - 2
            if type(value) is str:
                left -= len(_quoted(value) if len(value) <= left else value)
            else:
                left = _left(value, left)
            if left < 0:
                break
    elif isinstance(part, _LISTS):
        left -= 2 * len(part) or 2
        for each in part if left >= 0 else ():
            left = _left(each, left)
            if left < 0:
                break
    else:
        left = _left_by_one(part, left)
    return left


def _left_by_one(part: Any, left: int) -> int:
    """What a single value leaves: as JSON, or what has no form there as its text; and a mapping that is no dict."""
    if part is None or isinstance(part, bool):
        return left - (5 if part is False else 4)
    if isinstance(part, int):
        return left - len(int.__repr__(part))
    if isinstance(part, float):
        return left - len(float.__repr__(part))
    if isinstance(part, Mapping):
        return _left(dict(part), left) if len(part) <= left else -1
    least = part.__sizeof__() if isinstance(part, Decimal) else len(part) if isinstance(part, bytes | bytearray) else 0
    return left - (least if least > left else len(_quoted(str(part))))


_LISTS = (list, tuple, set, frozenset)


@attrs.frozen(repr=False)
class DataSourceAnswer:
    """What a data source answered to parameters, such as those of `#{Weather.main.temp, params: {city: "Oslo"}}`.

    `source`: the data source, or it and the field group (`Weather.main`). `params`: the values it was asked with, by
    name. `data`: what stands below `source`.
    """

    source: str
    params: Mapping[str, Any]
    data: Any

    @property
    def path(self) -> tuple[str, ...]:
        """The names of `source`."""
        return tuple(self.source.split("."))


@attrs.frozen(repr=False)
class Context:
    """What happened to one individual: the payloads that references read, by name.

    `events`: event name to payload (`@event{Order.total}`). `data_sources`: source name to field groups
    (`#{Source.Group.field}`). `actions`: action name to its answer's fields (`@action{Weather.temp}`).
    `journey`: journey properties (`${externalKey}`). `now`: the current time of the evaluation, with an offset, or
    None. `dataset_lookups`: activity name to what was looked up (`@datasetLookup{Activity.entities}`). `audiences`:
    the person's status by name, `realized`, `existing` or `exited` (`inAudience`). `answers`: of data sources that
    were asked with parameters. `types`: the declared types of fields, by the paths that `Expression.check` takes; a
    default has the type of its field. `random_uuid`: gives the randomness of `random()` and `uuid()`; contexts are
    compared without it.

    Values are those of JSON, and Python's dates and times: a `datetime` with an offset is a dateTime, one without is a
    dateTimeOnly, a `date` is a dateOnly, a `timedelta` is a duration.

    An execution adds the answer of its action to `actions`, so that later activities of the journey read it: use one
    context for one individual. A mapping that is given as `actions` is copied, and stays as it is.
    """

    events: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping)
    data_sources: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    actions: dict[str, Any] = attrs.field(factory=dict, converter=_own, validator=_mapping, kw_only=True)
    journey: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    now: datetime | None = attrs.field(default=None, validator=_aware, kw_only=True)
    dataset_lookups: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    audiences: Mapping[str, str] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    answers: tuple[DataSourceAnswer, ...] = attrs.field(
        default=(), converter=_listed, validator=_of_answers, kw_only=True
    )
    types: Mapping[str, str] = attrs.field(factory=dict, validator=_mapping, kw_only=True)
    random_uuid: Callable[[], UUID] = attrs.field(default=_random_uuid, eq=False, kw_only=True)
    _size: float = attrs.field(default=0, init=False, eq=False)  # at most so many bytes at the last answer; 0: unknown

    def record(self, action: str, answer: Mapping[str, Any]) -> bool:
        """Add the answer of an action, in the place of an earlier one; False, and nothing is added, where all data of
        the individual together would be larger than 1 MB (R198), or have no size as JSON at all."""  # noqa: D205, D209
        if len(answer) > 1:
            size = self._size + _size({action: answer}) if self._size else INSTANCE_LIMIT + 1
            if size > INSTANCE_LIMIT:
                others = {name: value for name, value in self.actions.items() if name != action}
                size = _size([self.events, self.data_sources, others, answer])
            if size > INSTANCE_LIMIT:
                return False
            object.__setattr__(self, "_size", size)
        self.actions[action] = answer
        return True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Context:
        """Build a context from JSON: `event`, `datasource`, `action`, `datasetLookup`, `journey`, `audience`, `now`.

        `types`: the types of fields that JSON cannot show, by path (`event.Order.created: dateTime`; indexes of lists
        are left out): their ISO texts become dates and times. `datasource_params`: a list of objects with `source`,
        `params` and `data`, which become `answers`. `now`: ISO text.

        Raises `DefinitionError` that names every other key, and every value that does not have its type: the first
        1,000 of them. So it does for more than 10,000 types or answers, and where types are declared of more than
        100,000 values.
        """
        if not isinstance(document, Mapping):
            raise DefinitionError([Violation("$", f"a context is an object, not {type(document).__name__}")])
        from wayhook.expression.declaration import MAX_FAULTS, ROOTS, Reading, declarations

        faults = list(islice(_document_faults(document), MAX_FAULTS))
        if faults:
            raise DefinitionError(faults)

        declared = declarations(document.get(_TYPES) or {})
        reading = Reading()
        parts = {_KEYS[key]: value for key, value in document.items() if key in _KEYS}
        for key, source in ROOTS.items():
            if _KEYS[key] in parts:
                parts[_KEYS[key]] = declared.applied(source, (), parts[_KEYS[key]], f"$.{key}", reading)
        parts["answers"] = _answers(document.get(_LISTED) or (), declared, reading)
        if reading.faults:
            raise DefinitionError(reading.faults)
        return cls(**{**parts, "types": declared.words(), "now": _instant(document.get("now"))})

    def __repr__(self) -> str:
        names = [name for name in _KEYS.values() if name not in ("now", "answers") and getattr(self, name)]
        parts = [f"{name} {', '.join(map(str, getattr(self, name)))}" for name in names]
        return f"<Context: {'; '.join(parts) or 'empty'}>"


def _answers(found: Iterable[Any], declared: Declarations, reading: Reading) -> tuple[DataSourceAnswer, ...]:
    from wayhook.expression.syntax import Source

    answers = []
    for i, each in enumerate(found):
        answer = DataSourceAnswer(each["source"], each["params"], each["data"])
        path = f"$.{_LISTED}[{i}].data"
        data = declared.applied(Source.DATA_SOURCE, answer.path, answer.data, path, reading)
        answers.append(answer if data is answer.data else attrs.evolve(answer, data=data))
    return tuple(answers)


def _document_faults(document: Mapping[str, Any]) -> Iterator[Violation]:
    for key, value in document.items():
        if key not in _KEYS and key != _TYPES:
            yield Violation(f"$.{key}", f"a context has {', '.join([*_KEYS, _TYPES])}; take this out")
        elif key == "now":
            if value is not None and _instant(value) is None:
                yield Violation("$.now", "give a date and time such as 2030-01-02T03:04:05Z")
        elif key == _LISTED:
            yield from _answer_faults(value)
        elif not isinstance(value, Mapping):
            yield Violation(f"$.{key}", f"give an object by name, not {type(value).__name__}")


def _answer_faults(value: Any) -> Iterator[Violation]:
    if not isinstance(value, list | tuple):
        yield Violation(f"$.{_LISTED}", f"give a list of objects, not {type(value).__name__}")
        return
    if len(value) > MAX_ANSWERS:
        yield Violation(f"$.{_LISTED}", f"give at most {MAX_ANSWERS:,} answers, not {len(value):,}")
        return
    for i, each in enumerate(value):
        wanted = isinstance(each, Mapping) and set(each) == {"source", "params", "data"}
        if not wanted or not isinstance(each["source"], str) or not isinstance(each["params"], Mapping):
            message = "an answer has source (text), params (an object) and data"
            yield Violation(f"$.{_LISTED}[{i}]", message)


def _instant(value: Any) -> datetime | None:
    """A date and time with an offset; None for anything else."""
    from wayhook.expression.moment import moment

    found = moment(value) if isinstance(value, str) else value
    return found if isinstance(found, datetime) and found.utcoffset() is not None else None
