"""Jobs as JSON text: our stored form, versioned. What is read is what was written, exactly, or it is not written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation
from wayhook.expression.context import Context, DataSourceAnswer
from wayhook.formats.document import FORMAT_VERSION
from wayhook.formats.exact_value import dumps_exact, loads_exact, read_exact, written_exact
from wayhook.jsonvalue import json_fault
from wayhook.model.job import Job

__all__ = ["dumps_job", "loads_job"]

MAX_SIZE = 5_000_000
"""Characters of a job: a context and what an action is called with have 1 MB each at most."""

_CONTEXT = tuple(
    field.name for field in attrs.fields(Context) if field.init and field.name not in ("random_uuid", "answers")
)
_DEFAULT_RANDOM = attrs.fields(Context).random_uuid.default
_OF_A_CALL, _OF_AN_ACTIVITY = ("action", "values", "path", "timeout"), ("journey", "label", "context")


def dumps_job(job: Job) -> str:
    """Return the document of a job, on one line; its delivery id and time are told beside it, and not part of it.

    Raises `DefinitionError` with the path of everything that cannot be written so that it is read again as it was:
    what is no JSON value, `Decimal`, date, time with date or duration. Secrets are none of these.
    """
    faults: list[Violation] = []
    if job.journey is not None:
        given: dict[str, Any] = {"journey": job.journey, "label": job.label, "context": _context(job.context, faults)}
    else:
        values = written_exact("$.values", job.values, faults)
        given = {"action": job.action, "values": values, "path": job.path, "timeout": job.timeout}
    names = ("journey", "label", "action", "path", "timeout")
    faults += [Violation(f"$.{name}", fault[1]) for name in names if (fault := json_fault(given.get(name))) is not None]
    if faults:
        raise DefinitionError(faults)
    document = {"wayhook": FORMAT_VERSION, "kind": "job", **given}
    text = dumps_exact(document)
    if len(text) > MAX_SIZE:
        message = f"a job has at most {MAX_SIZE:,} characters as JSON, not {len(text):,}; hand over less"
        raise DefinitionError([Violation("$", message)])
    return text


def loads_job(text: str) -> Job:
    """Read the document of a job; raises `DocumentError` with what is wrong with it, and its path."""
    try:
        found = loads_exact(text)
        if not isinstance(found, dict):
            raise DefinitionError([Violation("$", "a job is a JSON object")])
        return _job(found)
    except DefinitionError as error:
        raise DocumentError(error.violations) from None


def _job(found: dict[str, Any]) -> Job:
    faults = []
    if type(found.get("wayhook")) is not int or found["wayhook"] != FORMAT_VERSION:
        faults.append(Violation("$.wayhook", f"the format version is {FORMAT_VERSION}"))
    if found.get("kind") != "job":
        faults.append(Violation("$.kind", "the kind is job"))
    names = _OF_AN_ACTIVITY if "journey" in found else _OF_A_CALL
    faults += [
        Violation(f"$.{name}", "this is no part of a job") for name in found.keys() - {"wayhook", "kind", *names}
    ]
    faults += [Violation(f"$.{name}", "this is missing") for name in names if name not in found]
    if faults:
        raise DefinitionError(faults)
    given = {name: found[name] for name in names}
    if "context" in given:
        given["context"] = _read_context(given["context"])
    else:
        given["values"] = read_exact("$.values", given["values"])
    return Job(**given)


def _context(context: Any, faults: list[Violation]) -> dict[str, Any]:
    """The parts of a context that are there."""
    if context.random_uuid is not _DEFAULT_RANDOM:
        message = "randomness of your own stays in its process; leave it out"
        faults.append(Violation("$.context.random_uuid", message))
    parts = {name: getattr(context, name) for name in _CONTEXT}
    written = {name: written_exact(f"$.context.{name}", part, faults) for name, part in parts.items() if part}
    answers = [
        {name: written_exact(f"$.context.answers[{i}].{name}", part, faults) for name, part in _parts(answer)}
        for i, answer in enumerate(context.answers)
    ]
    return {**written, "answers": answers} if answers else written


def _parts(answer: DataSourceAnswer) -> Iterator[tuple[str, Any]]:
    yield from (("source", answer.source), ("params", answer.params), ("data", answer.data))


def _read_context(found: Any) -> Context:
    path = "$.context"
    if not isinstance(found, dict) or not found.keys() <= {*_CONTEXT, "answers"}:
        raise DefinitionError([Violation(path, f"an object with names of {', '.join((*_CONTEXT, 'answers'))}")])
    parts = {name: read_exact(f"{path}.{name}", part) for name, part in found.items()}
    try:
        return Context(**{**parts, "answers": [DataSourceAnswer(**each) for each in parts.get("answers", ())]})
    except TypeError:
        raise DefinitionError([Violation(f"{path}.answers", "a list of objects: source, params, data")]) from None
