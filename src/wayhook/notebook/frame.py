"""DataFrames: rows that come as one, and results that become one. The only file that imports pandas and polars.

Each is loaded when a frame of its kind is made; a frame that is given has loaded its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any, Literal, cast

import attrs

from wayhook.errors import DefinitionError, MissingExtra, Violation
from wayhook.notebook.cell import EXACT, plain_label
from wayhook.values import DataType

__all__ = ["Column", "Frame", "Library", "frame_of", "taken", "to_frame"]

Library = Literal["pandas", "polars"]
_SHOWN = 40


@attrs.frozen
class Frame:
    """A DataFrame as it was given. `names`: of its columns. `labels`: of its rows. `column`: gives the cells of one, by
    its place."""  # noqa: D205, D209 - one list

    library: Library
    names: tuple[Hashable, ...]
    labels: Sequence[Any]
    column: Callable[[int], Iterable[Any]]

    def rows(self, places: Sequence[int]) -> Iterator[dict[Hashable, Any]]:
        """Yield the rows with the columns at these places."""
        names = [self.names[place] for place in places]
        if not names:
            return ({} for _ in range(len(self.labels)))
        cells = zip(*(self.column(place) for place in places), strict=True)
        return (dict(zip(names, row, strict=True)) for row in cells)


def frame_of(rows: Any) -> Frame | None:
    """Return a DataFrame of pandas or polars as a frame, None for anything else; a lazy one is refused."""
    for kind in type(rows).__mro__:
        match kind.__module__.partition(".")[0], kind.__name__:
            case "pandas", "DataFrame":
                return Frame("pandas", tuple(rows.columns), rows.index, lambda place: rows.iloc[:, place].tolist())
            case "polars", "DataFrame":
                labels = range(rows.height)
                return Frame("polars", tuple(rows.columns), labels, lambda place: _polars_cells(rows.to_series(place)))
            case "polars", "LazyFrame":
                message = "a LazyFrame has no rows yet; give the frame of .collect()"
                raise DefinitionError([Violation("$.rows", message)])
    return None


def _polars_cells(column: Any) -> list[Any]:
    """The cells of a column of polars; a time that is finer than Python's is its text, not its beginning."""
    kind = column.dtype
    is_finer = "Datetime(time_unit='ns'" in str(kind)
    if is_finer and kind.is_nested():
        message = "its lists hold times in nanoseconds, which would be cut; cast them to microseconds"
        raise DefinitionError([Violation(f"$.rows.{column.name[:_SHOWN]}", message)])
    if is_finer and (column.dt.nanosecond() % 1000 != 0).any():
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%S%.9f%:z" if kind.time_zone else "%Y-%m-%dT%H:%M:%S%.9f")
    return cast("list[Any]", column.to_list())


def taken(labels: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    """Return the labels at these places; the index of a DataFrame stays one."""
    return labels.take(places) if hasattr(labels, "take") else [labels[place] for place in places]


@attrs.frozen
class Column:
    """A column to be. `data_type`: of its values, each of which may be None; None where they have no one type."""

    name: str
    data_type: DataType | None
    values: list[Any]


def to_frame(library: Library, columns: Iterable[Column], labels: Sequence[Any]) -> Any:
    """Return a DataFrame of the columns, whose rows have these labels; raises `MissingExtra`.

    A frame of pandas has the labels as its index, one of polars as its first column, `row`.
    """
    made = _pandas if library == "pandas" else _polars
    return made([_fitted(column) for column in columns], labels)


def _fitted(column: Column) -> Column:
    """The column with values that a frame can hold exactly: times as such, or as their texts."""
    match column.data_type:
        case DataType.DATE_TIME | DataType.DATE_TIME_ONLY | DataType.DATE_ONLY as kind:
            try:
                return attrs.evolve(column, values=[text and _moment(kind, text) for text in column.values])
            except (ValueError, OverflowError):
                return attrs.evolve(column, data_type=DataType.STRING)
        case DataType.DECIMAL if not all(map(_is_double, column.values)):
            return attrs.evolve(column, data_type=None)
        case DataType.LIST_DECIMAL if not all(map(_is_double, chain.from_iterable(filter(None, column.values)))):
            return attrs.evolve(column, data_type=None)
    return column


def _moment(kind: DataType, text: str) -> date:
    """The time of a text, an instant in UTC; raises `ValueError` for one that is finer than microseconds."""
    if kind is DataType.DATE_ONLY:
        return date.fromisoformat(text)
    if _FINER.search(text):
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    return found if kind is DataType.DATE_TIME_ONLY else found.astimezone(UTC)


_FINER = re.compile(r"[.,]\d{7}")


def _is_double(value: Any) -> bool:
    """Whether a double surely holds a number as it is."""
    return value is None or type(value) is float or (type(value) is int and abs(value) <= EXACT)


def _pandas(columns: Sequence[Column], labels: Sequence[Any]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise _missing("pandas") from None

    index = labels if isinstance(labels, pd.Index) else pd.Index(list(labels), name="row")
    made = {
        column.name: pd.Series(column.values, index=index, dtype=_PANDAS.get(column.data_type, "object"))
        for column in columns
    }
    return pd.DataFrame(made, index=index)


_PANDAS: dict[DataType | None, str] = {
    DataType.STRING: "string",
    DataType.INTEGER: "Int64",
    DataType.DECIMAL: "Float64",
    DataType.BOOLEAN: "boolean",
    DataType.DATE_TIME: "datetime64[us, UTC]",
    DataType.DATE_TIME_ONLY: "datetime64[us]",
    DataType.DATE_ONLY: "datetime64[s]",
}


def _polars(columns: Sequence[Column], labels: Sequence[Any]) -> Any:
    try:
        import polars as pl
    except ImportError:
        raise _missing("polars") from None

    types: dict[DataType | None, Any] = {
        DataType.STRING: pl.String(),
        DataType.INTEGER: pl.Int64(),
        DataType.DECIMAL: pl.Float64(),
        DataType.BOOLEAN: pl.Boolean(),
        DataType.DATE_TIME: pl.Datetime("us", "UTC"),
        DataType.DATE_TIME_ONLY: pl.Datetime("us"),
        DataType.DATE_ONLY: pl.Date(),
    }
    types |= {kind: pl.List(types[kind.item]) for kind in DataType if kind.item in types}

    def series(name: str, values: list[Any], dtype: Any = None) -> Any:
        try:
            return pl.Series(name, values, dtype=dtype)
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):  # they have no one type
            return pl.Series(name, values, dtype=pl.Object)

    row = series("row", [plain_label(label) for label in labels])
    made = [series(column.name, column.values, types.get(column.data_type, pl.Object)) for column in columns]
    return pl.DataFrame([row, *made])


def _missing(library: Library) -> MissingExtra:
    return MissingExtra(f"a DataFrame of {library} needs the extra: pip install 'wayhook[{library}]'")
