"""Which defaults an expression takes: told by the fields that were absent."""

from __future__ import annotations

import pytest

import wayhook as wh

CONTEXT = wh.Context({"S": {"a": "x", "n": 1, "items": [{"k": "a"}]}}, now=None)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("@event{S.a}", ()),
        ("@event{S.a, defaultValue: 'z'}", ()),
        ("@event{S.b, defaultValue: 'z'}", ("event S.b",)),
        ("@event{S.b, defaultValue: 'z'} + @event{S.b, defaultValue: 'y'}", ("event S.b",)),
        ("@event{S.b, defaultValue: @event{S.c, defaultValue: 'z'}}", ("event S.b", "event S.c")),
        ("@event{S.b, defaultValue: @event{S.a, defaultValue: 'z'}}", ("event S.b",)),
        ("if (@event{S.n} == 1) then (@event{S.b, defaultValue: 'y'}) else (@event{S.c, defaultValue: 'z'})",
         ("event S.b",)),
        ("#{Crm.person.name, defaultValue: 'z'}", ("data source Crm.person.name",)),
        ("@action{Weather.temp, defaultValue: 3}", ("action Weather.temp",)),
        ("@event{S.items.all(currentEventField.k == 'q').v, defaultValue: ['z']}", ()),  # an empty list is there
        ("@event{S.items.first(currentEventField.k == 'q').v, defaultValue: 'z'}", ("event S.items.v",)),
        ("upper('x')", ()),
    ],
)  # fmt: skip
def test_the_fields_whose_default_is_taken_are_told(text: str, taken: tuple[str, ...]) -> None:
    """Each once, in the order of evaluation; what is not evaluated takes no default."""
    assert wh.expression(text).defaults(CONTEXT) == taken


def test_an_expression_that_fails_tells_what_it_took_before() -> None:
    """A fault of the data ends the list."""
    assert wh.expression("@event{S.b, defaultValue: 'q'} + toInteger(@event{S.a})").defaults(CONTEXT) == ("event S.b",)


def test_looking_for_defaults_changes_nothing() -> None:
    """The expression gives the same before and after."""
    expression = wh.expression("@event{S.b, defaultValue: 'z'} + @event{S.a}")

    assert [expression.evaluate(CONTEXT), expression.defaults(CONTEXT), expression.evaluate(CONTEXT)] == [
        "zx",
        ("event S.b",),
        "zx",
    ]


def test_only_a_context_is_looked_into() -> None:
    """Anything else is told as a wrong type."""
    with pytest.raises(wh.WrongType, match="a Context belongs here, not dict"):
        wh.expression("1").defaults({})  # type: ignore[arg-type]
