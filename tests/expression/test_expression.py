"""The expression as a value: equality, text, pickle, what it reads, renaming."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

import wayhook as wh


def test_two_expressions_of_the_same_text_are_one_value() -> None:
    """Equality and hash follow the text, also where another text means the same."""
    one, same, other = wh.expression("1 + 2"), wh.expression("1 + 2"), wh.expression("1+2")

    assert {one, same} == {one}
    assert one != other
    assert one != "1 + 2"


def test_an_expression_shows_its_text() -> None:
    """The text is the source; `repr` can be typed back."""
    made = wh.expression("@event{A.b} + 'x'")

    assert str(made) == made.text == "@event{A.b} + 'x'"
    assert repr(made) == "expression(\"@event{A.b} + 'x'\")"


@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_a_copy_evaluates_as_the_original(copied) -> None:
    """A pickle carries the text and compiles again."""
    made = wh.expression("@event{A.b, defaultValue: 7}")

    found = copied(made)

    assert found == made
    assert found.evaluate(wh.Context()) == 7


def test_an_expression_is_immutable() -> None:
    """The text cannot drift away from what was compiled."""
    made = wh.expression("1")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.text = "2"  # type: ignore[misc]


def test_references_name_what_is_read_each_once_in_order() -> None:
    """Defaults are read too; a field read twice is named once."""
    made = wh.expression(
        "@event{Order.'total sum', defaultValue: #{Shop.g.f}} + ${externalKey} + @{Order.'total sum'} + @action{A.x}"
    )

    found = [(str(reference.source), reference.path) for reference in made.references]

    assert found == [
        ("event", ("Order", "total sum")),
        ("data source", ("Shop", "g", "f")),
        ("journey", ("externalKey",)),
        ("action", ("A", "x")),
    ]


@pytest.mark.rule("R16")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@action{Old.x}", "@action{New.x}"),
        ("@action{ 'Old' . x }", "@action{ New . x }"),
        ("@action{Old.Old} + '@action{Old.x}'", "@action{New.Old} + '@action{Old.x}'"),
        ("@event{Old.x} + #{Old.x} + ${Old}", "@event{Old.x} + #{Old.x} + ${Old}"),
        ("@action{Older.x}", "@action{Older.x}"),
        (
            "@action{Old.x, defaultValue: @action{Old.y, defaultValue: @action{B.z}}} + 'é' + @action{Old.w}",
            "@action{New.x, defaultValue: @action{New.y, defaultValue: @action{B.z}}} + 'é' + @action{New.w}",
        ),
        (r"@action{'\u004fld'.x}", "@action{New.x}"),
    ],
)
def test_renaming_an_action_changes_its_references_and_nothing_else(text: str, expected: str) -> None:
    """Only the first name of `@action{…}` is another; texts, events and the spacing stay."""
    assert wh.expression(text).renaming_action("Old", "New").text == expected


def test_a_new_name_that_needs_quotes_gets_them() -> None:
    """An action may be named with a leading digit, which does not stand bare."""
    renamed = wh.expression("@action{Old.x}").renaming_action("Old", "3h")

    assert renamed.text == '@action{"3h".x}'
    assert renamed.evaluate(wh.Context(actions={"3h": {"x": 1}})) == 1


def test_renaming_what_is_not_read_gives_the_same_expression() -> None:
    """Nothing is compiled again for nothing."""
    made = wh.expression("@event{A.b}")

    assert made.renaming_action("Old", "New") is made
