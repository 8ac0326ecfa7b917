"""The card of what was read of somebody else's document: what came, where secrets go, and what did not come."""

from __future__ import annotations

from wayhook.display.part import Card, Cell, Note, Part, Section, Table, Value, bounded, counted
from wayhook.formats.foreign.imported import Imported, LeftOut

__all__ = ["imported_card"]


def imported_card(imported: Imported) -> Card:
    """Return the card of an import."""
    found = (*imported.actions, *imported.connections, *imported.limits)
    title = ", ".join(counted(len(each), word) for each, word in _kinds(imported) if each) or "nothing"
    parts: list[Part] = []
    if found:
        parts.append(_table(("what came",), [(Value(repr(each)),) for each in found]))
    if imported.secrets:
        rows: list[tuple[Cell, ...]] = [
            (Value(each.place), Value(repr(each.reference)), each.holds) for each in imported.secrets
        ]
        parts.append(Section("Where secrets are kept", (_table(("found at", "reference", "it is to hold"), rows),)))
    if imported.left_out:
        rows = [(Value(each.path), _what(each), each.why) for each in imported.left_out]
        parts.append(Section("What did not come", (_table(("where", "what", "why"), rows),)))
    elif found:
        parts.append(Note("Nothing was left out.", "good", "✓"))
    return Card("import", title, tuple(parts))


def _what(left: LeftOut) -> Cell:
    """Its name; an option of a command stays in one piece."""
    return Value(left.what) if left.what.startswith("-") else left.what


def _kinds(imported: Imported) -> tuple[tuple[tuple[object, ...], str], ...]:
    return (imported.actions, "action"), (imported.connections, "connection"), (imported.limits, "limit")


def _table(heads: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> Table:
    shown, more = bounded(rows)
    return Table(heads, shown, more)
