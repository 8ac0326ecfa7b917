"""One value, however absurd, is judged by looking at little of it, and without building what would be refused (P47).

No clock: what is counted is how many parts were looked at, and the most memory that was taken.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

import wayhook as wh
from wayhook import DataType

MEMORY = 32 * 1_048_576
PARTS, BYTES = 100_000, 1_048_576
NO_VARIABLE = (DataType.OBJECT, DataType.LIST_ANY)


def _fields(depth: int) -> list[wh.MessageParameter]:
    """A number, a text, and a list of such objects, so many levels deep."""
    kinds = {"x": "decimal", "s": "string"}
    fields = [wh.MessageParameter(name, kind, variable=_optional()) for name, kind in kinds.items()]
    return [*fields, _objects("l", depth - 1)] if depth else fields


def _objects(name: str, depth: int) -> wh.MessageParameter:
    return wh.MessageParameter(name, DataType.LIST_OBJECT, variable=_optional(), parameters=_fields(depth))


def _optional() -> wh.Variable:
    return wh.variable(optional=True)


def _action(body_format: str = "json", *parameters: wh.MessageParameter) -> wh.Action:
    configuration = wh.UrlConfiguration(
        "https://h.example/s", headers={"H": _optional()}, query_parameters={"Q": _optional()}
    )
    return wh.Action(
        name="Act", url_configuration=configuration, message_parameters=parameters, body_format=body_format
    )


SINGLE = [kind for kind in DataType if kind not in NO_VARIABLE and not kind.is_list]
LISTS = [kind for kind in DataType if kind not in NO_VARIABLE and kind.is_list]
EVERY = _action(
    "json",
    *(
        wh.MessageParameter(kind, kind, variable=_optional())
        for kind in (*SINGLE, *LISTS)
        if kind is not DataType.LIST_OBJECT
    ),
    _objects(DataType.LIST_OBJECT, 5),
)
FORM = _action(
    "form",
    wh.MessageParameter("string", "string", variable=_optional()),
    wh.MessageParameter("listString", "listString", variable=_optional()),
)
RAW = _action("raw", wh.MessageParameter("string", "string", variable=_optional()))

PLACES = [(EVERY, place) for place in ("path", "H", "Q", *SINGLE, *LISTS)]
PLACES += [(FORM, "string"), (FORM, "listString"), (RAW, "string")]


def _shared() -> Any:
    """Thirty to the sixth objects, of which there are seven."""
    value: dict[str, Any] = {"x": 1}
    for _ in range(6):
        value = {"x": 1, "l": [value] * 30}
    return value


def _cyclic() -> Any:
    value: dict[str, Any] = {"x": 1}
    value["l"] = [value] * 30
    return value


HOSTILE: dict[str, Any] = {
    "a long text": "a" * 20_000_000,
    "a long text of two bytes each": "é" * 10_000_000,
    "a long text that is escaped": "\x01" * 10_000_000,
    "the longest text, escaped": "\x01" * BYTES,
    "the longest text, four bytes each": "😀" * BYTES,
    "a long text with a surrogate": "é" * 10_000_000 + "\ud800",
    "a large integer": 10**1_000_000,
    "a decimal of many digits": Decimal("0." + "1" * 2_000_000),
    "a decimal with a large exponent": Decimal("1e999999"),
    "bytes": b"a" * 20_000_000,
    "a long list": [1] * 1_000_000,
    "a long list of nulls": [None] * 1_000_000,
    "a long list of objects": [{}] * 1_000_000,
    "a list without end, nearly": range(10**9),
    "long texts, shared": ["a" * 1_000_000] * 1_000,
    "texts, shared": ["a" * 1_000] * 90_000,
    "texts in objects, shared": [{"x": 1, "s": "é" * 1_000}] * 30_000,
    "all of a wrong type": [{"x": "a", "s": 1}] * 20_000,
    "shared": [_shared()],
    "cyclic": [_cyclic()],
    "an object": _cyclic(),
}


@pytest.mark.parametrize(("action", "place"), PLACES, ids=[f"{a.body_format}-{place}" for a, place in PLACES])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_value_is_refused_without_memory(action: wh.Action, place: str, value: Any) -> None:
    """In every place, what is absurd costs less than 32 MiB, and the error is short."""
    values, path = ({}, value) if place == "path" else ({place: value}, "")
    tracemalloc.start()
    try:
        wh.preview(action, values, path=path)
    except wh.RenderError as error:
        assert len(error.violations) <= 101  # noqa: PT017 - one of two right answers
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < MEMORY


class Counted(list[Any]):
    """A list that counts what is taken out of it."""

    seen = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.seen += 1
            yield item


class CountedFields(Mapping[str, Any]):
    """An object that counts how often a field is asked for."""

    asked = 0

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def __getitem__(self, name: str) -> Any:
        self.asked += 1
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("item", [1, None, "a", {}], ids=str)
def test_a_list_that_is_too_long_is_not_looked_at(kind: DataType, item: Any) -> None:
    """Its length alone says no."""
    items = Counted([item] * (PARTS + 1))

    with pytest.raises(wh.WrongType, match="at most 100,000 parts and 1,048,576 bytes"):
        wh.preview(EVERY, {kind: items})

    assert items.seen == 0


def test_a_list_of_texts_is_looked_at_as_far_as_they_fit() -> None:
    """The first text that is too much is the last that is looked at, in JSON as in a form."""
    for action in (EVERY, FORM):
        items = Counted(["é" * 1_000] * 90_000)

        with pytest.raises(wh.WrongType, match="at most 100,000 parts and 1,048,576 bytes"):
            wh.preview(action, {"listString": items})

        assert items.seen == BYTES // 2_000 + 1


def test_what_is_shared_counts_each_time() -> None:
    """A value that stands in many places is looked at as often as it would be written, and there is an end to it."""
    inner = CountedFields(x=1, s="a")
    items = Counted([{"l": [inner] * 300}] * 300)

    with pytest.raises(wh.WrongType, match="at most 100,000 parts"):
        wh.preview(EVERY, {"listObject": items})

    assert inner.asked <= PARTS
    assert items.seen <= 2 * 300  # once for their texts, once for what is in them


def test_what_contains_itself_has_an_end() -> None:
    """Where the declared fields go on, so does the look, up to the limit."""
    items = Counted()
    asked = CountedFields(x=1, l=items)
    items.extend([asked] * 50)

    with pytest.raises(wh.WrongType, match="at most 100,000 parts"):
        wh.preview(EVERY, {"listObject": items})

    assert asked.asked <= PARTS


def test_what_is_not_declared_does_not_count() -> None:
    """A large part that is not sent keeps nobody from sending the rest."""
    value = [{"x": 1, "other": ["a" * 1_000_000] * 1_000}]

    call = wh.preview(EVERY, {"listObject": value})

    assert call.body is not None
    assert b'"listObject":[{"x":1}]' in call.body


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("listInteger", [1] * PARTS),
        ("listString", ["a" * 9] * 80_000),
        ("listObject", [{"x": 1, "s": "é"}] * 20_000),
        ("string", "a" * 1_048_000),
    ],
)
def test_what_is_at_the_limits_is_sent(kind: str, value: Any) -> None:
    """The limits refuse nothing that fits."""
    assert wh.preview(EVERY, {kind: value}).body is not None


def test_a_list_of_wrong_items_is_told_in_a_hundred_faults() -> None:
    """Nobody reads the next one, and nothing more is looked at for it."""
    items = Counted(["a"] * 90_000)

    with pytest.raises(wh.WrongType) as caught:
        wh.preview(EVERY, {"listInteger": items})

    assert len(caught.value.violations) == 100
    assert items.seen == 90_000 + 100  # once to measure it, and as far as the faults go


def test_many_unknown_names_are_told_in_a_hundred_faults() -> None:
    """Names of any number, length and kind."""
    names = {f"{number}{'x' * 10_000}": 1 for number in range(1_000)} | {(1,) * 1_000_000: 1}

    with pytest.raises(wh.UnsafeCall) as caught:
        wh.preview(EVERY, names)

    assert len(caught.value.violations) == 100
    assert len(str(caught.value)) < 50_000
