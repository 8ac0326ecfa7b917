"""What the tests of expressions share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import wayhook as wh

NOW = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)


@pytest.fixture
def value() -> Callable[..., Any]:
    """Takes a text, a dialect and the fields of the event `E`; gives the value at 2024-02-29T12:30:15Z."""

    def evaluate(text: str, dialect: str = "lenient", /, **event: Any) -> Any:
        return wh.expression(text, dialect=dialect).evaluate(wh.Context({"E": event}, now=NOW))

    return evaluate


@pytest.fixture
def refused() -> Callable[..., str]:
    """Takes what `value` takes, and gives the message with which the text or the data is refused."""

    def message(text: str, dialect: str = "lenient", /, **event: Any) -> str:
        with pytest.raises((wh.ExpressionError, wh.WrongType)) as caught:
            wh.expression(text, dialect=dialect).evaluate(wh.Context({"E": event}, now=NOW))
        return str(caught.value)

    return message
