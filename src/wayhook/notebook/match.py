"""Matching: which column of a table fills which variable of an action."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import DefinitionError, Violation, closest
from wayhook.model.action import Action
from wayhook.model.activity import unknown_variable
from wayhook.notebook.cell import Cell, cell
from wayhook.rendering.plan import Blank, variables_by_name
from wayhook.rendering.slot import ABSENT

__all__ = ["Layout", "Matching"]

_LAYOUTS = 1000
_SHOWN = 40


@attrs.frozen(eq=False)
class Layout:
    """How rows with the columns `names` are read.

    `cells`: the name of a column, the variable that it fills, and what gives its value. `faults`: what is wrong with
    the columns.
    """

    names: tuple[Hashable, ...]
    cells: tuple[tuple[Hashable, str, Cell], ...]
    faults: tuple[Violation, ...]
    _blanks: Mapping[str, Blank]
    _constants: Mapping[str, Any]

    def note(self, violation: Violation) -> str:
        """Say of a fault in a row where its value came from, or should have come from."""
        for key, blank in self._blanks.items():
            if f"{violation.path}.".startswith((f"{blank.path}.", f"{blank.path}[")):
                return self._origin(key, blank)
        return ""

    def _origin(self, key: str, blank: Blank) -> str:
        if key in self._constants:
            return "; it stands in `values`"
        filled = {variable: name for name, variable, _ in self.cells}
        if key in filled:
            return "" if filled[key] == blank.name else f"; its column is {_shown(filled[key])!r}"
        label = blank.variable.label
        others = [name for name in self.names if isinstance(name, str) and name not in filled.values()]
        close = closest(key, others) or closest(label, others)
        hint = f"; did you mean {close!r}?" if close else ""
        return f"; no column is named {key!r}{f' or {label!r}' if label else ''}{hint}"


class Matching:
    """Finds the variables of `action` among columns: by their names, or by their labels.

    `constants`: values that are the same for all rows, by either. `strict`: a column that fills nothing is a fault;
    else it is among `ignored`. `aside`: columns of which nothing is said. Raises `DefinitionError` for a constant that
    fills nothing.
    """

    def __init__(
        self, action: Action, constants: Mapping[str, Any], *, strict: bool, aside: Collection[Hashable] = ()
    ) -> None:
        self._blanks = variables_by_name(action)
        self._by_label: dict[str, list[str]] = {}
        for key, blank in self._blanks.items():
            self._by_label.setdefault(blank.variable.label, []).append(key)
        self._strict, self._aside, self._layouts = strict, aside, dict[tuple[Hashable, ...], Layout]()
        self.ignored: dict[Hashable, None] = {}
        self.constants: dict[str, Any] = {}
        layout = self._matched(tuple(constants), strict=True)
        if layout.faults:
            raise DefinitionError([attrs.evolve(v, path=f"$.values{v.path.removeprefix('$')}") for v in layout.faults])
        self.constants = self.values(layout, constants)

    def layout(self, names: tuple[Hashable, ...]) -> Layout:
        """Return how rows with these columns are read."""
        found = self._layouts.get(names)
        if found is None:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            found = self._layouts[names] = self._matched(names, strict=self._strict)
        return found

    def values(self, layout: Layout, row: Mapping[Any, Any], *, is_frame: bool = False) -> dict[str, Any]:
        """Return the values of a row by the names of variables. An empty cell gives none; of a frame, None is one."""
        found = self.constants.copy()
        for name, key, cell_of in layout.cells:
            value = cell_of(row[name])
            if value is not ABSENT and not (is_frame and value is None):
                found[key] = value
        return found

    def _matched(self, names: tuple[Hashable, ...], *, strict: bool) -> Layout:
        cells, faults = list[tuple[Hashable, str, Cell]](), list[Violation]()
        filled: dict[str, Hashable] = dict.fromkeys(self.constants, "values")
        for name in names:
            key = self._variable(name)
            if key is None:
                faults += self._unmatched(name, strict=strict)
            elif key in filled:
                message = f"this fills the variable {key!r}, and so does {_shown(filled[key])!r}; keep one"
                faults.append(Violation(f"$.{_shown(name)}", message, "R144"))
            else:
                filled[key] = name
                cells.append((name, key, cell(self._blanks[key].parameter)))
        return Layout(names, tuple(cells), tuple(faults), self._blanks, self.constants)

    def _variable(self, name: Hashable) -> str | None:
        if name in self._blanks:
            return str(name)
        keys = self._by_label.get(name, ()) if isinstance(name, str) and name else ()
        return keys[0] if len(keys) == 1 else None

    def _unmatched(self, name: Hashable, *, strict: bool) -> Iterator[Violation]:
        """What is wrong with a column that fills nothing, if it may not be there."""
        shown = _shown(name)
        if isinstance(name, str) and name in self._by_label and name:
            keys = ", ".join(self._by_label[name])
            message = f"several variables have this label; name the column as one of them: {keys}"
            yield Violation(f"$.{shown}", message, "R144")
        elif name in self._aside:
            return
        elif strict:
            known = [*self._blanks, *filter(None, self._by_label)]
            yield Violation(f"$.{shown}", unknown_variable(shown, known), "R144")
        elif len(self.ignored) < _LAYOUTS:
            self.ignored[name] = None


def _shown(name: Hashable) -> str:
    return name[:_SHOWN] if isinstance(name, str) else repr(name)[:_SHOWN]
