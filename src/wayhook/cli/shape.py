"""What `--json` prints, as JSON Schemas: the tests hold every command to them, and pages are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wayhook.cli.ledger import COLUMNS, State

__all__ = ["SHAPES", "shapes_text", "spelled"]

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}


def _object(**properties: Schema) -> Schema:
    """An object with all of these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _more(schema: Schema, **properties: Schema) -> Schema:
    return _object(**schema["properties"], **properties)


_COUNTS: Schema = {"type": "object", "additionalProperties": WHOLE}
_VIOLATION = _object(path=TEXT, message=TEXT, rule=TEXT, code=TEXT, warning=TRUTH)
_PROBLEM = _object(line=WHOLE, column=WHOLE, message=TEXT, expected=_list(TEXT))
_ERROR: Schema = {
    **_object(kind=TEXT, message=TEXT, violations=_list(_VIOLATION), problems=_list(_PROBLEM)),
    "required": ["kind", "message"],
}
_HEADERS = _list({"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2})
_CALL = _object(action=TEXT, method=TEXT, url=TEXT, headers=_HEADERS, body=_or_null(TEXT), client_certificate=TRUTH)
_ORIGIN = _object(
    part=TEXT, name=TEXT, source=TEXT, text=_or_null(TEXT), label=TEXT, expression=TEXT, defaults=_list(TEXT)
)
_ATTEMPT = _object(
    number=WHOLE,
    evidence=TEXT,
    delivery=TEXT,
    status=_or_null(WHOLE),
    failure=TEXT,
    started=NUMBER,
    elapsed=NUMBER,
)
_OUTCOME = _object(
    action=TEXT,
    journey=_or_null(TEXT),
    label=_or_null(TEXT),
    path=_or_null(TEXT),
    status=TEXT,
    succeeded=TRUTH,
    delivery=TEXT,
    delivery_id=TEXT,
    tries=WHOLE,
    elapsed=NUMBER,
    queued=NUMBER,
    finished=_or_null(MOMENT),
    not_before=_or_null(MOMENT),
    response=ANYTHING,
    response_faults=_list(TEXT),
    error=_or_null(_ERROR),
    call=_or_null(_CALL),
    attempts=_list(_ATTEMPT),
    received=_or_null(_object(status=WHOLE, headers=_HEADERS, body=TEXT, fault=TEXT)),
)
_RECORD = _object(kind=TEXT, name=TEXT, version=WHOLE, uid=TEXT, saved=_or_null(MOMENT), by=TEXT, summary=TEXT)
_LIMIT = _object(kind=TEXT, uid=TEXT, url=TEXT, rate=TEXT, state=TEXT, deployed=TRUTH)
_LIMITS = _object(items=_list(_LIMIT))
_LETTER = _object(delivery_id=TEXT, use=TEXT, reason=TEXT, settled=MOMENT, deliveries=WHOLE, tries=WHOLE)
_CHECKED = _object(place=TEXT, kind=_or_null(TEXT), name=_or_null(TEXT), valid=TRUTH, violations=_list(_VIOLATION))
_STEP = _object(label=TEXT, kind=TEXT, following=_list(TEXT), outcome=_or_null(_OUTCOME), error=_or_null(_ERROR))
_LINE_TYPES: Schema = {
    "row": WHOLE,
    "succeeded": TRUTH,
    "tries": WHOLE,
    "elapsed": NUMBER,
    "finished": _or_null(MOMENT),
    "error": _or_null(TEXT),
    "response": ANYTHING,
}
_STATES = (state for state in State if state is not State.OPEN)

SHAPES: dict[str, Schema] = {
    "demo": _object(delivered=TRUTH),
    "init": _object(folder=TEXT, files=_list(TEXT)),
    "validate": _object(valid=TRUTH, items=_list(_CHECKED)),
    "preview": _more(_CALL, origins=_list(_ORIGIN), more_origins=WHOLE, repetition=TEXT, timeout=NUMBER),
    "call": _OUTCOME,
    "batch": _object(
        out=TEXT,
        calls=WHOLE,
        statuses=_COUNTS,
        rows=_object(**{state.name.lower(): WHOLE for state in _STATES}),
        interrupted=TRUTH,
    ),
    "batch --dry-run": _object(fitting=WHOLE),
    "a line of outcomes": _object(**{column: _LINE_TYPES.get(column, TEXT) for column in COLUMNS}),
    "list": _object(items=_list(_RECORD)),
    "show": _more(_RECORD, used_in=_list(TEXT), document=OBJECT),
    "used-in": _object(action=TEXT, items=_list(_RECORD)),
    "import": _object(items=_list(_RECORD), secrets=_list(TEXT), left_out=_list(TEXT)),
    "import --dry-run": _object(
        items=_list(_more(_RECORD, document=OBJECT)), secrets=_list(TEXT), left_out=_list(TEXT)
    ),
    "export": _object(**{"name": TEXT, "as": TEXT, "text": TEXT}),
    "journey run": _object(journey=TEXT, version=WHOLE, steps=_list(_STEP)),
    "journey publish": _object(journey=TEXT, versions=_list(_object(version=WHOLE, status=TEXT))),
    "limits list": _LIMITS,
    "limits show": OBJECT,
    "limits deploy": _more(_LIMITS, warnings=_list(_VIOLATION)),
    "limits undeploy": _LIMITS,
    "dead-letters list": _object(items=_list(_LETTER)),
    "dead-letters show": _more(_LETTER, job=OBJECT),
    "dead-letters replay": _object(replayed=_list(TEXT)),
    "auth check": _more(_OUTCOME, lifetime=_or_null(NUMBER), expires=_or_null(MOMENT)),
    "eval": _object(value=ANYTHING, type=_or_null(TEXT)),
    "docs": _object(topics=_list(_object(topic=TEXT, title=TEXT))),
    "docs TOPIC": _object(topic=TEXT, text=TEXT),
    "migrate": _object(migrated=TRUTH),
    "migrate --script": _object(script=TEXT),
    "an error": _object(error=_ERROR),
}
"""The shape of each command's answer, by its words; the other commands of `journey` answer as `publish` does."""


def shapes_text() -> str:
    """Return all shapes as a page."""
    about = (
        "One document on the standard output, an error as well; everything else goes to the error stream.\n"
        "`batch` without `--out` prints a line for each row. What has a `?` may be null."
    )
    parts = (f"    {name}\n{_indented(schema)}" for name, schema in SHAPES.items())
    return "\n\n".join(["# What --json prints", about, *parts])


def _indented(schema: Schema) -> str:
    return "\n".join(f"        {line}" for line in spelled(schema))


def spelled(schema: Schema) -> Iterator[str]:
    """Yield a schema as lines that look like the JSON which they describe."""
    match schema:
        case {"anyOf": [inner, _]}:
            *lines, last = spelled(inner)
            yield from (*lines, f"{last}?")
        case {"type": "array", "items": item}:
            first, *rest = spelled(item)
            lines = [f"[{first}", *rest]
            yield from (*lines[:-1], f"{lines[-1]}, …]")
        case {"type": "object", "properties": properties}:
            yield "{"
            for name, inner in properties.items():
                first, *rest = spelled(inner)
                yield f'  "{name}": {first}'
                yield from (f"  {line}" for line in rest)
            yield "}"
        case {"type": "object", "additionalProperties": inner}:
            yield f'{{"…": {next(spelled(inner))}}}'
        case {"format": "date-time"}:
            yield "date and time"
        case _:
            yield schema.get("type", "anything")
