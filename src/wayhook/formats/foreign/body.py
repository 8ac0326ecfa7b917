"""Bodies of a source as message parameters: JSON, a form, or the text as it stands. No I/O.

What is read is rendered and compared: parameters that would send anything else give way to the text itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote_plus

import attrs

from wayhook.errors import DefinitionError
from wayhook.formats.foreign.intake import Intake
from wayhook.formats.foreign.reason import HIDDEN
from wayhook.formats.foreign.secrecy import holds_secret, is_secret, looks_secret
from wayhook.formats.foreign.template import BARE, Template
from wayhook.jsonvalue import is_unicode, parse_exact_json
from wayhook.model.action import BodyFormat
from wayhook.model.parameter import MessageParameter, Variable, field_name_fault, message_parameters, payload, walk
from wayhook.model.rule import MEDIA_TYPES
from wayhook.rendering.payload import compile_form, compile_payload
from wayhook.values import MAX_PAYLOAD, DataType

__all__ = ["Payload", "answer_fields", "cleared", "form_body", "format_of", "text_body"]

_TEXT = "body"
_SAMPLE = 200
_OPEN = "a variable takes the whole of it, and the text around is gone; give the text with the value"
_BARE = "it stands outside of a string, so that its type is not known; it is a decimal here"


@attrs.frozen
class Payload:
    """A body as an action holds it. `places`: what in it can be a variable."""

    parameters: tuple[MessageParameter, ...] = ()
    body_format: BodyFormat = BodyFormat.JSON
    nulls: bool = False

    @property
    def places(self) -> Iterator[str]:
        """The paths of its parameters."""
        return (path for path, _ in walk(self.parameters))


def format_of(media: str) -> BodyFormat | None:
    """Return the format of a body with a Content-Type, or None for one that no body of an action can have."""
    return next((kind for kind, pattern in MEDIA_TYPES.items() if pattern.fullmatch(media.strip())), None)


def text_body(intake: Intake, text: Template, media: str, path: str) -> Payload:
    """Return the payload of a body given as text: by its Content-Type as JSON, a form, or the text itself."""
    if len(text.marked.encode(errors="surrogatepass")) > MAX_PAYLOAD or not is_unicode(text.marked):
        intake.leave_out(path, "the body", f"a body is text of Unicode characters, of at most {MAX_PAYLOAD:,} bytes")
        return Payload(body_format=format_of(media) or BodyFormat.RAW)
    match format_of(media):
        case BodyFormat.JSON:
            return _json_body(intake, text, path) or _raw(intake, text, path)
        case BodyFormat.FORM:
            pairs = [pair for pair in text.marked.split("&") if pair]
            is_form = all("=" in pair for pair in pairs)
            found = _form(intake, text, list(map(_form_pair, pairs)), path) if is_form else None
            return found or _raw(intake, text, path)
        case _:
            return _raw(intake, text, path)


def form_body(intake: Intake, pairs: list[tuple[str, Template]], path: str) -> Payload:
    """Return the payload of a form given by its fields; those that a form of an action cannot have are left out."""
    kept = []
    for name, value in pairs:
        if fault := field_name_fault(name):
            intake.leave_out(path, "a field", fault)
        else:
            kept.append((name, value))
    whole, values = Template.joined(value for _, value in kept)
    found = _form(intake, whole, [(name, value) for (name, _), value in zip(kept, values, strict=True)], path)
    if found is None and kept:
        intake.leave_out(path, "the body", "its fields cannot be sent in this order; put those of one name together")
    return found or Payload(body_format=BodyFormat.FORM)


def _form_pair(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _json_body(intake: Intake, text: Template, path: str) -> Payload | None:
    """The fields of a JSON object, or None where they would send something else."""
    value = _parsed(text.quoted)
    if not isinstance(value, dict):
        if text.pieces:
            intake.leave_out(path, "the fields of the body", "it is no JSON object; the body is one text")
        return None
    nulls = _has_nulls(value)
    try:
        parameters = message_parameters(value)
    except DefinitionError as error:
        intake.leave_out(path, "the fields of the body", f"{error.violations[0].message}; the body is one text")
        return None
    rendered = compile_payload(parameters, {}, {}, nulls=nulls)
    if not parameters or _parsed(str(rendered)) != value:
        if parameters:
            intake.leave_out(path, "the fields of the body", "a null in an array is not sent; the body is one text")
        return None
    places = _Places(intake, text, path)
    for place, parameter in walk(parameters):
        if not parameter.data_type.is_container:
            places.choose(place, parameter.value)
    variables, value = places.chosen(value), _emptied(value, places.variables)
    return Payload(message_parameters(value, variables=variables, types=places.types), nulls=nulls)


def _parsed(text: str) -> Any:
    try:
        return parse_exact_json(text)
    except DefinitionError:
        return None


def _has_nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(below is None or _has_nulls(below) for below in value.values())
    return any(map(_has_nulls, value)) if isinstance(value, list) else False


def _form(intake: Intake, text: Template, pairs: list[tuple[str, str]], path: str) -> Payload | None:
    """The fields of a form, or None where they would send something else; values are marked parts of the text."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    fields: dict[str, Any] = {name: found if len(found) > 1 else found[0] for name, found in values.items()}
    try:
        parameters = message_parameters(fields)
        rendered = compile_form(parameters, {}, {}, nulls=False)
    except DefinitionError as error:
        intake.leave_out(path, "the fields of the body", f"{error.violations[0].message}; the body is one text")
        return None
    if not rendered or [_form_pair(pair) for pair in str(rendered).split("&") if pair] != pairs:
        return None
    places = _Places(intake, text, path)
    for place, parameter in walk(parameters):
        if not parameter.data_type.is_list:
            places.choose(place, parameter.value)
    variables, fields = places.chosen(fields), _emptied(fields, places.variables)
    return Payload(message_parameters(fields, variables=variables), BodyFormat.FORM)


def _emptied(value: Any, places: Collection[str], above: str = "") -> Any:
    """The value with nothing in these places, so that no variable keeps a secret, or what stood open, as its sample."""
    if isinstance(value, dict | list):
        below = value.items() if isinstance(value, dict) else enumerate(value)
        emptied = {name: _emptied(part, places, f"{above}.{name}".lstrip(".")) for name, part in below}
        return emptied if isinstance(value, dict) else list(emptied.values())
    return type(value)() if above in places else value


@attrs.define
class _Places:
    """Which parameters of a body become variables: what the source leaves open, secrets, and what the caller wants."""

    intake: Intake
    text: Template
    path: str
    variables: dict[str, Variable] = attrs.Factory(dict)
    types: dict[str, DataType] = attrs.Factory(dict)

    def choose(self, place: str, value: object) -> None:
        """Make the scalar at a place a variable, where its text is open or secret."""
        name = next((part for part in reversed(place.split(".")) if not part.isdigit()), place)
        found = self.text.part(value.removeprefix(BARE)) if isinstance(value, str) else Template()
        if found.blanks:
            self.variables[place] = Variable(found.blanks[0].name)
            if found.only is None:
                self.leave_out(place, f"the text around {found.blanks[0].name}", _OPEN)
            if str(value).startswith(BARE):
                self.leave_out(place, "the type", _BARE)
                self.types[place] = DataType.DECIMAL
        elif value not in (None, "") and self.is_hidden(place, name, value):
            self.variables[place] = Variable(name)
            self.leave_out(place, "a secret", HIDDEN)

    def leave_out(self, place: str, what: str, why: str) -> None:
        self.intake.leave_out(f"{self.path}.{place}", what, why)

    def is_hidden(self, place: str, name: str, value: object) -> bool:
        given = self.intake.given(place)
        if given is not None:
            self.intake.found(place, given, "nothing: the value is a variable, since no body keeps a secret")
        text = value if isinstance(value, str) else ""
        return given is not None or is_secret(name) or looks_secret(text) or self.intake.knows(text)

    def chosen(self, fields: dict[str, Any]) -> dict[str, Variable]:
        """The variables, with those that the caller wants in the place of others there and below."""
        wanted = {
            place: label for place, label in self.intake.given_variables.items() if place.partition(".")[0] in fields
        }
        for place in wanted:
            self.intake.variable(place)
        below = tuple(f"{place}." for place in wanted)
        found = {place: label for place, label in self.variables.items() if not place.startswith(below)} | wanted
        self.types = {place: data_type for place, data_type in self.types.items() if place in found}
        return found


def _raw(intake: Intake, text: Template, path: str) -> Payload:
    """The body as one text: a variable where a part of it is open, secret or wanted as one."""
    plain = text.plain
    wanted = intake.variable(_TEXT)
    label = None
    if plain is None:
        intake.leave_out(path, "the text of the body", "a part of it is open, so that all of it is one variable")
        label = wanted or Variable(_TEXT)
    elif holds_secret(plain) or intake.knows(plain):
        intake.leave_out(path, "the text of the body", HIDDEN)
        label = wanted or Variable(_TEXT)
    else:
        label = wanted
    parameter = MessageParameter(_TEXT, DataType.STRING, None if label else plain, variable=label)
    return Payload((parameter,), BodyFormat.RAW)


def cleared(intake: Intake, parameters: tuple[MessageParameter, ...]) -> tuple[MessageParameter, ...]:
    """Return the fields of an answer without the values that hold a secret of its request."""
    return tuple(
        attrs.evolve(
            each,
            value=None if isinstance(each.value, str) and intake.knows(each.value) else each.value,
            parameters=cleared(intake, each.parameters),
        )
        for each in parameters
    )


def answer_fields(intake: Intake, value: dict[str, Any], path: str) -> tuple[MessageParameter, ...]:
    """Return the fields of an answer from a sample of it: each array by its first items, and no secret or long text."""
    return payload(_abridged(intake, value, path))


def _abridged(intake: Intake, value: Any, path: str, name: str = "") -> Any:
    if isinstance(value, dict):
        found = {}
        for below, item in value.items():
            if fault := field_name_fault(below):
                intake.leave_out(path, "a field of the answer", fault)
            else:
                found[below] = _abridged(intake, item, f"{path}.{below[:40]}", below)
        return found
    if isinstance(value, list):
        return _first_items(intake, value, f"{path}[0]")
    hidden = isinstance(value, str) and (len(value) > _SAMPLE or looks_secret(value))
    return None if hidden or is_secret(name) else value


def _first_items(intake: Intake, items: list[Any], path: str) -> list[Any]:
    """One object with the fields of all, else the first item of each type."""
    if items and all(isinstance(item, dict) for item in items):
        fields: dict[str, Any] = {}
        for item in items:
            fields |= {name: below for name, below in item.items() if fields.get(name) is None}
        return [_abridged(intake, fields, path)]
    kinds = {type(item): item for item in reversed(items)}
    return [_abridged(intake, item, path) for item in items if kinds.get(type(item)) is item]
