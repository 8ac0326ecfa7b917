"""Dialects: the lenient one takes what either product documents, the others are strict where their product is."""

from __future__ import annotations

import pytest

import wayhook as wh

JO, AJO = "journey_orchestration", "journey_optimizer"


def accepts(text: str, dialect: str) -> bool:
    """Whether the text is right in the dialect."""
    try:
        wh.expression(text, dialect=dialect)
    except wh.ExpressionError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "orchestration", "optimizer"),
    [
        # a bare function beside + or -
        ("currentTimeInMillis() + 1", True, False),
        ("(currentTimeInMillis()) + 1", True, True),
        ("1 + currentTimeInMillis()", True, False),
        ("currentTimeInMillis() - 1", True, False),
        ("1 - (currentTimeInMillis())", True, True),
        ("now() + toDuration('PT1H')", True, False),
        ("(now()) + (toDuration('PT1H'))", True, True),
        ("'a' + 'b' + upper('c')", True, False),
        ("count([1]) > 0 and count([1]) == 1", True, True),
        ("date('2030-01-02T00:00:00') + (toDuration('PT1H'))", True, True),
        # a function as default stands in parentheses
        ("@event{E.x, defaultValue : (now())}", True, True),
        ("@event{E.x, defaultValue : now()}", False, False),
        # what one product has and the other has not
        ("inAudience('a')", False, True),
        ("inSegment('a')", True, True),
        ("dateDiff(date('2030-01-02'), date('2030-01-03'))", False, True),
        ("@action{A.x}", False, True),
        ("@datasetLookup{L.entity.x}", False, True),
        ("@{E.x}", True, True),
        ("@event{E.x}", True, True),
        ("${supplementalId}", False, True),
        ("${journeyUID}", True, True),
        ("${journeyUid}", False, False),
        ("toDateOnly(2023, 8, 18)", False, True),
        ("toDateTime('UTC', date('2030-01-02'))", False, True),
        ("toString(date('2030-01-02'))", False, True),
        #
        ("1 == 'a'", False, True),
        ("1 == 1.0", True, True),
        ("date('2030-01-02') > date('2030-01-03')", False, False),
        # integers for decimals where no signature lists them
        ("max(1, 2.5)", False, False),
        ("in(1, [1.5])", False, False),
        ("avg(1, 2.5)", True, True),
    ],
)
def test_what_a_product_takes(text, orchestration, optimizer) -> None:
    """Each dialect refuses what its product does; the lenient one takes all of it."""
    assert accepts(text, "lenient")
    assert accepts(text, JO) is orchestration
    assert accepts(text, AJO) is optimizer


@pytest.mark.parametrize(
    ("text", "orchestration", "optimizer"),
    [
        ("count(@event{E.o})", False, True),
        ("listSize(@event{E.o})", False, True),
        ("distinctCount(@event{E.o})", False, True),
        ("distinctWithNull(@event{E.o})", True, False),
        ("distinct(@event{E.o})", True, True),
        ("countOnlyNull(@event{E.o})", False, False),
    ],
)
def test_lists_of_objects_are_taken_where_the_product_takes_them(text, orchestration, optimizer) -> None:
    """Data decides here: what a product does not list is refused when it comes."""
    context = wh.Context({"E": {"o": [{"a": 1}]}})

    for dialect, right in ((JO, orchestration), (AJO, optimizer)):
        made = wh.expression(text, dialect=dialect)
        if right:
            assert made.evaluate(context) is not None
        else:
            with pytest.raises(wh.WrongType, match="takes"):
                made.evaluate(context)


@pytest.mark.parametrize(
    ("text", "lenient", "orchestration", "optimizer"),
    [
        ("inSegment('a')", True, True, False),
        ("toString(toDuration(1520))", "PT1.52S", "1520", "PT1.52S"),
        ("'' + (toDuration(1520))", "PT1.52S", "1520", "PT1.52S"),
        ("@event{E.d} + @event{E.s}", "PT1.52Ss", "1520s", "PT1.52Ss"),
        ("serializeList([toDuration(1520)], ',', false)", "PT1.52S", "1520", "PT1.52S"),
    ],
)
def test_what_a_product_gives(text, lenient, orchestration, optimizer) -> None:
    """Segments and the text of durations differ (A-12, A-30)."""
    from datetime import timedelta

    context = wh.Context({"E": {"d": timedelta(seconds=1.52), "s": "s"}}, audiences={"a": "existing"})
    found = [wh.expression(text, dialect=dialect).evaluate(context) for dialect in ("lenient", JO, AJO)]

    assert found == [lenient, orchestration, optimizer]


def test_a_dialect_is_part_of_the_expression() -> None:
    """Equality, `repr`, renaming and pickle keep it."""
    import pickle

    strict = wh.expression("@action{Old.x}", dialect=AJO)

    assert strict.dialect == AJO
    assert strict != wh.expression("@action{Old.x}")
    assert repr(strict) == "expression('@action{Old.x}', dialect='journey_optimizer')"
    assert strict.renaming_action("Old", "New") == wh.expression("@action{New.x}", dialect=AJO)
    assert pickle.loads(pickle.dumps(strict)) == strict


@pytest.mark.parametrize("dialect", ["", "AJO", None, "Lenient", 7])
def test_another_dialect_is_refused(dialect) -> None:
    """There are three, and the error names them."""
    with pytest.raises(wh.ExpressionError, match="lenient, journey_orchestration, journey_optimizer"):
        wh.expression("1", dialect=dialect)


def test_what_is_refused_says_how_to_write_it() -> None:
    """The remedy is in the message."""
    with pytest.raises(wh.ExpressionError, match=r"write \(now\(…\)\)"):
        wh.expression("now() + (toDuration('PT1H'))", dialect=AJO)
    with pytest.raises(wh.ExpressionError, match=r"write defaultValue : \(now\(…\)\)"):
        wh.expression("@event{E.x, defaultValue: now()}", dialect=AJO)
    with pytest.raises(wh.ExpressionError, match="did you mean 'journeyUID'"):
        wh.expression("${journeyUid}", dialect=JO)
