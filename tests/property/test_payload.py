"""Property: the compiled payload is what a plain renderer gives: a recursive copy with the values, and json.dumps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wayhook as wh
from wayhook import DataType, MessageParameter

LEFT_OUT = object()
texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["null", "", "%s", ",", "{}", '"\\\n\x00\x7f']
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).filter(
    lambda name: not {".", ":"} & set(name) and not name.startswith("$")
)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
SCALARS: dict[DataType, st.SearchStrategy[Any]] = {
    DataType.STRING: texts,
    DataType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    DataType.DECIMAL: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70) | decimals,
    DataType.BOOLEAN: st.booleans(),
    DataType.DATE_TIME: st.datetimes(timezones=st.just(UTC)),
    DataType.DATE_TIME_ONLY: st.datetimes(),
    DataType.DATE_ONLY: st.dates(),
}
CONSTANT = [DataType.STRING, DataType.INTEGER, DataType.DECIMAL, DataType.BOOLEAN]
kinds = st.sampled_from(list(SCALARS))
optional = wh.variable(optional=True)


class Payload:
    """A payload that is drawn: its parameters, and what its variables are filled with, by path."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.values = draw, dict[str, Any]()
        self.parameters = self.fields("", 3)

    def fields(self, above: str, levels: int) -> tuple[MessageParameter, ...]:
        """The fields of an object."""
        found = self.draw(st.lists(names, min_size=not above, max_size=4, unique=True))
        return tuple(self.parameter(name, f"{above}{name}", levels) for name in found)

    def parameter(self, name: str, path: str, levels: int) -> MessageParameter:  # noqa: PLR0911 - one for each kind
        """A constant or a variable; `levels`: how many there may be below it."""
        draw, kind = self.draw, self.draw(kinds)
        match draw(
            st.sampled_from(["constant", "null", "variable", "list", "objects", "object", "items"][: 5 + levels])
        ):
            case "constant":
                kind = draw(st.sampled_from(CONSTANT))
                return MessageParameter(name, kind, draw(SCALARS[kind]))
            case "null":
                return MessageParameter(name, kind)
            case "variable":
                self.fill(path, st.none() | SCALARS[kind])
                return MessageParameter(name, kind, variable=optional)
            case "list":
                self.fill(path, st.none() | st.lists(st.none() | SCALARS[kind], max_size=4))
                return MessageParameter(name, DataType.list_of(kind), variable=optional)
            case "objects":
                inner = {each: draw(kinds) for each in draw(st.lists(names, min_size=1, max_size=3, unique=True))}
                item = st.fixed_dictionaries({}, optional={n: st.none() | SCALARS[of] for n, of in inner.items()})
                self.fill(path, st.none() | st.lists(st.none() | item, max_size=3))
                below = tuple(MessageParameter(n, of, variable=optional) for n, of in inner.items())
                return MessageParameter(name, DataType.LIST_OBJECT, variable=optional, parameters=below)
            case "object":
                return MessageParameter(name, DataType.OBJECT, parameters=self.fields(f"{path}.", levels - 1))
            case _:
                count = draw(st.integers(0, 3))
                items = tuple(self.parameter(str(i), f"{path}.{i}", levels - 1) for i in range(count))
                return MessageParameter(name, DataType.LIST_ANY, parameters=items)

    def fill(self, path: str, values: st.SearchStrategy[Any]) -> None:
        """Give a variable its value, or none at all."""
        value = self.draw(values | st.just(LEFT_OUT))
        if value is not LEFT_OUT:
            self.values[path] = value


payloads = st.composite(Payload)()


def action(payload: Payload, *, nulls: bool) -> wh.Action:
    """An action with this payload."""
    here = wh.UrlConfiguration("https://h.example")
    return wh.Action(name="Act", url_configuration=here, message_parameters=payload.parameters, allow_null_values=nulls)


def copied(parameter: MessageParameter, path: str, values: Mapping[str, Any], nulls: bool) -> Any:  # noqa: FBT001
    """The plain renderer: the value of one parameter, or `LEFT_OUT`."""
    below = [(p.name, copied(p, f"{path}.{p.name}", values, nulls)) for p in parameter.parameters]
    if parameter.variable is not None:
        value = values.get(path)
        if value is None:
            return ([] if parameter.data_type.is_list else None) if nulls else LEFT_OUT
        if parameter.data_type is DataType.LIST_OBJECT:
            fields = [p.name for p in parameter.parameters]
            return [_object(((name, item.get(name)) for name in fields), nulls) for item in value if item is not None]
        return [item for item in value if item is not None] if parameter.data_type.is_list else value
    if parameter.data_type is DataType.OBJECT:
        return {name: value for name, value in below if value is not LEFT_OUT}
    if parameter.data_type.is_list:
        return [value for _, value in below if value is not LEFT_OUT and value is not None]
    return LEFT_OUT if parameter.value is None and not nulls else parameter.value


def _object(members: Any, nulls: bool) -> dict[str, Any]:  # noqa: FBT001
    return {name: value for name, value in members if nulls or value is not None}


def plain(payload: Payload, *, nulls: bool) -> dict[str, Any]:
    """The payload as a tree."""
    whole = MessageParameter("whole", DataType.OBJECT, parameters=payload.parameters)
    values = {f"whole.{path}": value for path, value in payload.values.items()}
    found: dict[str, Any] = copied(whole, "whole", values, nulls)
    return found


def texted(value: Any) -> Any:
    """Dates as their ISO text; Decimals as they are."""
    if isinstance(value, dict):
        return {name: texted(below) for name, below in value.items()}
    if isinstance(value, list):
        return [texted(item) for item in value]
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else value


def exact(value: Any) -> Any:
    """Every number as the Decimal that its digits say, and no truth value among them."""
    if isinstance(value, dict):
        return [(name, exact(below)) for name, below in value.items()]
    if isinstance(value, list):
        return [exact(item) for item in value]
    return Decimal(str(value)) if type(value) in (int, float, Decimal) else (type(value), value)


def holds_decimals(value: Any) -> bool:
    """Whether json.dumps would have to give up digits."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, Decimal) or any(map(holds_decimals, below))


@pytest.mark.rule("R149", "R152", "R153", "R154", "R155", "R163", "R174")
@given(payloads, st.booleans())
def test_a_payload_is_parsed_to_exactly_the_values(payload: Payload, nulls: bool) -> None:  # noqa: FBT001
    """No digit, sign or character is lost, whatever is constant, variable, null or not given at all."""
    body = wh.preview(action(payload, nulls=nulls), payload.values).body or b""
    expected = texted(plain(payload, nulls=nulls))

    assert exact(json.loads(body, parse_float=Decimal)) == exact(expected)
    if not holds_decimals(expected):
        assert body == json.dumps(expected, ensure_ascii=False, separators=(",", ":")).encode()


@given(payloads, st.booleans())
def test_expressions_and_literals_give_the_bytes_that_values_by_name_give(payload: Payload, nulls: bool) -> None:  # noqa: FBT001
    """Where a value comes from does not show in the payload, nor whether it was written before the call."""
    made, filled = action(payload, nulls=nulls), list(payload.values.items())
    events = {"E": {f"v{i}": value for i, (_, value) in enumerate(filled)}}
    read = {path: wh.expression(f"@event{{E.v{i}}}") for i, (path, _) in enumerate(filled)}
    bodies = [
        wh.preview(wh.Journey("J", [use]), "a", wh.Context(events), actions=made).body
        for use in (wh.ActionActivity("Act", label="a", parameters=given) for given in (read, payload.values))
    ]

    assert bodies == [wh.preview(made, payload.values).body] * 2


@given(payloads, st.data())
def test_every_misfit_is_named_and_nothing_else_is(payload: Payload, data: st.DataObject) -> None:
    """All faults come together, in the order of the payload, each with the place of its variable."""
    paths = list(payload.values)
    wrong = set(data.draw(st.lists(st.sampled_from(paths)))) if paths else set[str]()
    values = {path: object() if path in wrong else value for path, value in payload.values.items()}
    made = action(payload, nulls=False)

    if not wrong:
        wh.preview(made, values)
        return
    with pytest.raises(wh.WrongType) as caught:
        wh.preview(made, values)
    assert [v.path for v in caught.value.violations] == [f"$.parameters.{path}" for path in paths if path in wrong]
