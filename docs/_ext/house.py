"""What the pages show of code and suite, made at build time and never copied: rules, editions, limits, errors, schema.

A page asks for one of them with a directive: `rules-table`, `editions-table`, `limits-table`, `error-tree`,
`fault-matrix`, `faults-not-met`, `command-list`, `exit-codes`, `json-shapes`; with `bench` for what a benchmark has
found. The JSON Schema of the documents is written beside the pages, as `document.schema.json`.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import attrs
from command import code_lines, command_lines, shape_lines
from docutils import nodes
from figures import FOLDER, table
from figures import made as bench
from sphinx.util.docutils import SphinxDirective
from suite import tested

import wayhook as wh
from wayhook.model.edition import REASONS
from wayhook.model.rulebook import NOT_APPLICABLE, RULES

SCHEMA = "document.schema.json"

EDITIONS = (wh.Guardrails.standard(), wh.Guardrails.journey_orchestration(), wh.Guardrails.journey_optimizer())
IN = {"both": "both", "orchestration": "Journey Orchestration", "optimizer": "Journey Optimizer"}

LIMITS = (
    ("model.shape", "NAME_LIMIT", "{} characters", "the name of an action (R2), and of its duplicate (R26)"),
    ("model.rule", "MAX_ACTIVITIES", "{}", "activities of a journey (R283)"),
    ("model.rule", "MAX_REENTRANCE_WAIT", "{} seconds", "the wait before an individual comes again (R300)"),
    ("model.url", "MAX_LENGTH", "{} characters", "a static URL, and the endpoint of a token call"),
    ("model.url", "_HOST_LIMIT", "{} characters", "a host name; 63 each of its labels"),
    ("model.parameter", "MAX_DEPTH", "{} levels", "objects and arrays in a sample for message parameters"),
    ("expression.parser", "MAX_LENGTH", "{} characters", "the text of an expression"),
    ("expression.parser", "MAX_DEPTH", "{} levels", "anything inside of anything in an expression"),
    ("expression.type", "MAX_ITEMS", "{} items", "a list that an expression looks at or gives"),
    ("expression.type", "MAX_TEXT", "{} characters", "a text that an expression makes"),
    ("expression.type", "MAX_NESTING", "{} levels", "objects and lists that an expression compares"),
    ("expression.effort", "MAX_WORK", "{} units", "the work of one evaluation, in proportion to sizes"),
    ("expression.pattern", "MAX_PATTERN", "{} characters", "a regular expression"),
    ("expression.machine", "MAX_STEPS", "{} steps", "the search for one regular expression in one text"),
    ("rendering.address", "MAX_PATH", "{} characters", "the path that is appended to the static URL"),
    ("rendering.plan", "MAX_HEADER_VALUE", "{} characters", "the value of a variable header"),
    ("rendering.plan", "MAX_QUERY_VALUE", "{} characters", "the value of a variable query parameter"),
    ("values", "MAX_PAYLOAD", "{} bytes", "the payload of a call"),
    ("rendering.answer", "MAX_TOKEN", "{} characters", "an access token; visible ASCII only"),
    ("adapters.transport.body", "BODY_LIMIT", "{} bytes", "the body of an answer that is read, unless set otherwise"),
    ("adapters.transport.head", "HEAD_LIMIT", "{} bytes", "the head of an answer"),
    ("adapters.transport.head", "FIELD_LIMIT", "{}", "header fields of an answer"),
    ("adapters.transport.head", "INTERIM_LIMIT", "{} bytes", "all heads of one answer, those of interim answers too"),
    ("adapters.transport.dial", "CONNECT_SECONDS", "{} seconds", "name resolution, connection and TLS of an attempt"),
    ("adapters.transport.wire", "CONNECTIONS", "{}", "connections of the wire transport to one origin, unless set"),
    ("model.limit", "MAX_CONNECTIONS", "{}", "connections that a capping sets (R247)"),
    ("formats.document", "MAX_SIZE", "{} characters", "the text of a stored document"),
    ("formats.job", "MAX_SIZE", "{} characters", "the text of a job that is handed over"),
    ("execution.retry", "ATTEMPTS", "{}", "attempts of one execution, the first one included (R208)"),
    ("jsonvalue", "MAX_DEPTH", "{} levels", "a payload, and the body of an answer"),
    ("jsonvalue", "MAX_NODES", "{}", "values in a payload, and in the body of an answer"),
    ("rendering.answer", "MAX_MISFITS", "{}", "values of an answer that do not fit; the rest is left then"),
    ("execution.authorization", "MAX_ANSWER", "{} bytes", "the answer of a token endpoint"),
    ("wire", "MAX_DELIVERY_ID", "{} characters", "a delivery id; visible ASCII only"),
    ("execution.destination", "KEPT", "{}", "destinations that an executor remembers, those used last"),
    ("rendering.origin", "MAX_ORIGINS", "{}", "values of a preview whose origin is told"),
    ("rendering.origin", "MAX_TEXT", "{} characters", "the text of one of these values"),
    ("display.part", "MAX_CELL", "{} characters", "a value in a card"),
    ("display.part", "MAX_CODE", "{} characters", "a payload or an answer in a card"),
    ("display.part", "MAX_ROWS", "{}", "rows of a table in a card"),
    ("display.definition", "MAX_NODES", "{}", "message parameters of a tree in a card"),
    ("rendering.reflection", "SHORTEST", "{} characters", "less: a secret that is too short to be masked in an answer"),
)


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    return " ".join((text or "").split("\n\n")[0].split())


def code(text: object) -> str:
    """The text as code."""
    return f"`{text}`"


def rules() -> Iterator[tuple[str, ...]]:
    """One row for each rule: where it is kept and where it is tested, or why it does not apply."""
    where = tested()
    found = [
        (rule.number, rule.title, IN[rule.editions], rule.kept, ", ".join(map(code, where.get(rule.number, ()))))
        for rule in RULES.values()
    ]
    found += [(number, f"does not apply: {reason}", "", "", "") for number, reason in NOT_APPLICABLE.items()]
    return iter(sorted(found, key=lambda row: int(row[0][1:])))


def editions() -> Iterator[tuple[str, ...]]:
    """One row for each switch of the guardrails: its value in each edition, and the reason."""
    for field in attrs.fields(wh.Guardrails):
        if field.name not in ("edition", "network", "data_policies"):
            values = (shown(getattr(edition, field.name)) for edition in EDITIONS)
            yield code(field.name), *values, REASONS[field.name]


def shown(value: Any) -> str:
    """A switch as words."""
    match value:
        case None:
            return "no limit"
        case bool():
            return "yes" if value else "no"
        case frozenset():
            return ", ".join(sorted(value))
        case (low, high):
            return f"{low} to {high}"
        case wh.Rating(max_calls_count=count, period_in_ms=period):
            return f"{count:,} in {period:,} ms"
        case _:
            return str(value)


def limits() -> Iterator[tuple[str, ...]]:
    """One row for each number that bounds input."""
    for module, name, unit, what in LIMITS:
        number = getattr(import_module(f"wayhook.{module}"), name)
        yield unit.format(f"{number:,}"), what, code(f"wayhook.{module}")


def errors(kind: type[Exception] = wh.WayhookError, depth: int = 0) -> Iterator[str]:
    """The tree of errors as a nested list."""
    also = [base.__name__ for base in kind.__mro__[1:] if base.__name__ in dir(builtins) and _is_own(kind, base)]
    bases = f" (also {', '.join(map(code, also))})" if also else ""
    if not kind.__name__.startswith("_"):
        yield f"{'  ' * depth}- {{py:class}}`wayhook.{kind.__name__}`{bases}: {first_sentence(kind.__doc__)}"
        depth += 1
    for below in kind.__subclasses__():
        if below.__module__ == "wayhook.errors":
            yield from errors(below, depth)


def _is_own(kind: type, base: type) -> bool:
    """Whether a builtin base says something: not what every error is, and not what a base of ours is already."""
    inherited = any(base in above.__mro__ for above in kind.__bases__ if issubclass(above, wh.WayhookError))
    return base is not Exception and base in kind.__bases__ and not inherited


def faults() -> Iterator[tuple[str, ...]]:
    """One row for each fault that the tests have, in the order of their numbers."""
    from wayhook.testing.fault import FAULTS, NAME_FAULTS

    for fault in sorted([*FAULTS.values(), *NAME_FAULTS.values()], key=lambda fault: fault.id):
        counts = getattr(fault, "requests", None) or ("–", "–", "–")
        yield fault.id, fault.what.replace("|", "/"), fault.proves, *map(str, counts), code(fault.delivery)


def not_met() -> Iterator[tuple[str, ...]]:
    """One row for each fault that is met in another way."""
    from wayhook.testing.fault import NOT_MET

    yield from NOT_MET.items()


class Made(SphinxDirective):
    """A directive without content that stands for Markdown made from the code."""

    lines: ClassVar[Callable[[], list[str]]]

    def run(self) -> list[nodes.Node]:
        """Return what the made Markdown says."""
        return self.parse_text_to_nodes("\n".join(type(self).lines()))


class Bench(SphinxDirective):
    """A directive that stands for what a benchmark found; `figures` says what a page can ask for."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return what the made Markdown says."""
        self.env.note_dependency(str(FOLDER / "bench.json"))
        shape, rest = self.arguments
        return self.parse_text_to_nodes("\n".join(bench(shape, *rest.split(maxsplit=1))))


class Commands(SphinxDirective):
    """A directive that stands for a section on each command."""

    def run(self) -> list[nodes.Node]:
        """Return what the made Markdown says."""
        return self.parse_text_to_nodes("\n".join(command_lines()), allow_section_headings=True)


def made(lines: Callable[[], list[str]]) -> type[Made]:
    """A directive of its own for `lines`."""
    return type("Made", (Made,), {"lines": staticmethod(lines)})


def write_schema(app: Any, failure: Exception | None) -> None:
    """Write the JSON Schema beside the pages."""
    if failure is None and app.builder.format == "html":
        Path(app.outdir, SCHEMA).write_text(json.dumps(wh.json_schema(), indent=2) + "\n", encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Add the directives and the schema."""
    heads: tuple[str, ...] = ("Rule", "What it says", "Stated for", "Kept in", "Tested in")
    app.add_directive("rules-table", made(lambda: table(heads, rules())))
    switches = ("Switch", *(code(edition.edition) for edition in EDITIONS), "Why")
    app.add_directive("editions-table", made(lambda: table(switches, editions())))
    app.add_directive("limits-table", made(lambda: table(("At most", "Of what", "Kept in"), limits())))
    columns = ("", "The other side", "Class", "PUT", "POST", "POST with a key", "Outcome")
    app.add_directive("fault-matrix", made(lambda: table(columns, faults())))
    app.add_directive("faults-not-met", made(lambda: table(("", "Instead"), not_met())))
    app.add_directive("error-tree", made(lambda: list(errors())))
    app.add_directive("command-list", Commands)
    app.add_directive("exit-codes", made(code_lines))
    app.add_directive("json-shapes", made(shape_lines))
    app.add_directive("bench", Bench)
    app.connect("build-finished", write_schema)
    return {"parallel_read_safe": True}
