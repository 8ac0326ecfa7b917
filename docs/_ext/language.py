"""What the pages show of the expression language, made from its tables at build time: functions, grammar, dialects.

A page asks with a directive: `function-group` and the name of a group, `function-index`, `expression-grammar`,
`dialect-table`. Every example is evaluated when the page is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import wayhook as wh
from wayhook.expression.function.function import PASSED, Function
from wayhook.expression.function.table import FUNCTIONS
from wayhook.expression.operator import as_text
from wayhook.expression.parser import GRAMMAR

GROUPS = {
    "audience": "Adobe Experience Platform",
    "aggregation": "Aggregation",
    "conversion": "Conversion",
    "date": "Date",
    "list": "List",
    "math": "Math",
    "string": "String",
}
PRODUCTS = {"journey_orchestration": "Journey Orchestration", "journey_optimizer": "Journey Optimizer"}
SAMPLE = wh.Context(
    {"Order": {"products": [{"id": "p1", "price": 20}, {"id": "p2", "price": 30}, {"id": "p3", "price": 50}]}},
    audiences={"men over 50": "realized"},
    now=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def group(name: str) -> list[Function]:
    """The functions of a group, sorted."""
    return sorted((each for each in FUNCTIONS.values() if each.group == name), key=lambda each: each.name.lower())


def shown(value: Any) -> str:
    """A value as a reader writes it: JSON, and dates and durations as text."""
    return json.dumps(value, ensure_ascii=False, default=_moment)


def _moment(value: Any) -> str:
    if isinstance(value, datetime | timedelta):
        return value.isoformat() if isinstance(value, datetime) else as_text(value)
    assert isinstance(value, date)
    return value.isoformat()


def signatures(function: Function) -> Iterator[str]:
    """One line for each signature, as it is written."""
    for stated in function.stated:
        product, _, text = stated.rpartition(": ")
        taken, _, result = text.partition("-> ")
        remark = f"  [{PRODUCTS[product]}]" if product else ""
        yield f"{function.name}({taken.strip()}) -> {result}{remark}"


def nulls(function: Function) -> str:
    """What null does, in a sentence; nothing for a function without arguments."""
    if not any(signature.parameters for signature in function.signatures):
        return ""
    if function.null is PASSED:
        return "A null list counts as an empty one."
    return "False when an argument is null." if function.null is False else "Null when an argument is null."


def described(function: Function) -> Iterator[str]:
    """A function, in Markdown."""
    result = wh.expression(function.example).evaluate(SAMPLE)
    product = f" {PRODUCTS[function.dialect]} only." if function.dialect else ""
    yield from (f"## {function.name}", "", "```text", *signatures(function), "```", "")
    yield from (f"{function.meaning}{product} {nulls(function)}".strip(), "")
    yield from ("```text", function.example, f"  gives {shown(result)}", "```", "")


def group_lines(name: str) -> list[str]:
    """All functions of a group, in Markdown."""
    return [line for function in group(name) for line in described(function)]


def index_lines() -> list[str]:
    """The names of all functions, group by group, in Markdown."""
    return [
        f"* [{title}]({name}.md): {', '.join(f'`{function.name}`' for function in group(name))}"
        for name, title in GROUPS.items()
    ]


def grammar_lines() -> list[str]:
    """The grammar that the parser is made of, in Markdown."""
    return ["```text", *(line.removeprefix("    ") for line in GRAMMAR.strip("\n").split("\n")), "```"]


def dialect_lines() -> list[str]:
    """What one product has and the other has not, in Markdown."""
    return ["| only in | what |", "|---|---|", *(f"| {PRODUCTS[product]} | {what} |" for product, what in _only())]


def _only() -> Iterator[tuple[str, str]]:
    for function in sorted(FUNCTIONS.values(), key=lambda each: each.name.lower()):
        if function.dialect:
            yield function.dialect, f"`{function.name}`"
            continue
        for stated in function.stated:
            product, _, text = stated.rpartition(": ")
            if product:
                yield product, f"`{function.name}({text.partition(' -> ')[0]})`"


class FunctionGroup(SphinxDirective):
    """A directive whose argument is the name of a group."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what the made Markdown says."""
        return self.parse_text_to_nodes("\n".join(group_lines(self.arguments[0])), allow_section_headings=True)


def _made(lines: Any) -> type[SphinxDirective]:
    def run(self: SphinxDirective) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(lines()))

    return type("Made", (SphinxDirective,), {"run": run})


def setup(app: Any) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("function-group", FunctionGroup)
    app.add_directive("function-index", _made(index_lines))
    app.add_directive("expression-grammar", _made(grammar_lines))
    app.add_directive("dialect-table", _made(dialect_lines))
    return {"parallel_read_safe": True}
