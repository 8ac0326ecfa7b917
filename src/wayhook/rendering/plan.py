"""Plan: an action and the values of its variables, compiled once; `render` gives the Call. No I/O.

The only way from (action, values) to bytes: a preview and an execution take it alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

import attrs

from wayhook.errors import DefinitionError, Violation, WrongType
from wayhook.expression.context import Context
from wayhook.model.action import Action, BodyFormat, Header, UrlConfiguration
from wayhook.model.activity import activity_violations, unknown_variable
from wayhook.model.journey import ActionActivity
from wayhook.model.parameter import MessageParameter, Variable, walk
from wayhook.model.rule import header_value_fault, safety_violations
from wayhook.model.url import parse_url
from wayhook.rendering.address import encode_query, join_path
from wayhook.rendering.answer import Answered, compile_answer
from wayhook.rendering.payload import compile_form, compile_payload, compile_text, delimited
from wayhook.rendering.slot import ABSENT, Faults, Fill, Part, Slot, Unsafe, skeleton
from wayhook.secret import (
    ClientCertificate,
    Credential,
    DeliveryId,
    LiteralSecret,
    SecretReference,
    SecretText,
    secret_text,
)
from wayhook.values import MAX_PAYLOAD, datetime_text, text_of
from wayhook.wire import Call, Headers

__all__ = [
    "MAX_HEADER_VALUE",
    "MAX_QUERY_VALUE",
    "Blank",
    "Given",
    "Plan",
    "plan_activity",
    "plan_values",
    "variables_by_name",
]

MAX_HEADER_VALUE = 16_384
MAX_QUERY_VALUE = 8_192
_LONG_NAME = 200
_PREFIX = {"headers": "header:", "query_parameters": "query:", "parameters": "parameter:"}
_PREFIXES = tuple(_PREFIX.values())


@attrs.frozen
class Given:
    """What a call without a journey is rendered from: values by the name of the variable, and the path."""

    values: Mapping[str, Any]
    path: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            found = type(self.values).__name__
            raise DefinitionError([Violation("$", f"values are a mapping by the names of variables, not {found}")])


Places = Mapping[str, Fill]


@attrs.frozen
class _Bindings:
    """Where each variable of an action gets its value, by place and name."""

    path: Fill
    headers: Places
    query_parameters: Places
    parameters: Places
    sources: Mapping[str, str] = attrs.Factory(dict)


@attrs.frozen(repr=False)
class Plan:
    """A compiled use of an action. `render` and `read` may be called any number of times, from any task.

    `read`: takes an answer, and gives its declared fields and what is wrong with them; see `compile_answer`.
    `destination`: scheme, host and port of every call; no value moves them. `parameterized`: whether the action has
    variables. `reads_time`: whether one of its expressions may need `Context.now`.
    """

    action: Action
    method: str
    destination: str
    _url: Part[str]
    _headers: Part[Headers]
    _body: Part[str | None]
    _credentials: tuple[Credential, ...]
    _identity: ClientCertificate | None
    _known: frozenset[str] | None
    parameterized: bool
    read: Callable[..., Answered]
    reads_time: bool = False

    def render(self, subject: Any) -> Call:
        """Return the call for `subject`: a `Context` for an activity, a `Given` for values.

        Raises `MissingValue`, `WrongType`, `UnsafeCall`, or `RenderError` when faults of several kinds came
        together; all faults are in `violations`, with paths and never with a value.
        """
        faults = Faults()
        if self._known is not None:
            self._check_names(subject.values, self._known, faults)
        elif not isinstance(subject, Context):
            raise WrongType([Violation("$", f"a Context belongs here, not {type(subject).__name__}")])
        url = self._url(subject, faults) if callable(self._url) else self._url
        headers = self._headers(subject, faults) if callable(self._headers) else self._headers
        text = self._body(subject, faults) if callable(self._body) else self._body
        body = None if text is None else text.encode()
        if body is not None and len(body) > MAX_PAYLOAD:
            message = f"the payload has {len(body):,} bytes, more than {MAX_PAYLOAD:,}; send less"
            faults.unsafe("$.message_parameters", message, "")
        if faults:
            raise faults.error()
        return self.call(url, headers, body)

    def call(self, url: str, headers: Headers, body: bytes | None) -> Call:
        """Return the call of these parts, rendered already: here, or by another process."""
        return Call(self.action.name, self.method, url, headers, body, self._credentials, self._identity)

    def _check_names(self, values: Mapping[str, Any], known: frozenset[str], faults: Faults) -> None:
        for name in values:
            if faults.are_enough:
                break
            if name not in known:
                text = name[:_LONG_NAME] if isinstance(name, str) else type(name).__name__
                faults.unsafe(f"$.{text[:40]}", unknown_variable(text, known), "R144")

    def __repr__(self) -> str:
        return f"<Plan of {self.action!r}>"


def _text(value: Any) -> str:
    """The text of a value in a path, a query or a header: date-times keep their offset, as in a payload."""
    return datetime_text(value) if isinstance(value, datetime) else text_of(value)


def plan_activity(action: Action, activity: ActionActivity) -> Plan:
    """Compile the use of `action` by `activity`; render it with a `Context`.

    Raises `DefinitionError` with all faults at once: names that the action does not have, constants that the
    activity would override (R65, R144), required variables without a value (R68, R147), and what makes the
    action impossible to render.
    """
    faults = list(safety_violations(action)) or list(activity_violations(action, activity))
    if faults:
        raise DefinitionError(faults)
    plan = _plan(
        action,
        _Bindings(
            Fill.of(activity.path),
            {name: Fill.of(value) for name, value in activity.headers},
            {name: Fill.of(value) for name, value in activity.query_parameters},
            {name: Fill.of(value) for name, value in activity.parameters},
            dict(activity.fields),
        ),
    )
    return attrs.evolve(plan, reads_time=any(expression.reads_time for expression in activity.expressions))


def plan_values(action: Action) -> Plan:
    """Compile `action` for values given by name; render it with a `Given`.

    A name is that of a header, of a query parameter, or the dotted path of a message parameter. Where two of
    these are the same, `header:name`, `query:name` and `parameter:path` tell them apart.
    Raises `DefinitionError` for what makes the action impossible to render.
    """
    faults = safety_violations(action)
    if faults:
        raise DefinitionError(faults)
    blanks = variables_by_name(action)
    fills: dict[str, dict[str, Fill]] = {place: {} for place in _PREFIX}
    for key, blank in blanks.items():
        fills[blank.place][blank.name] = _from_values(key)
    bindings = _Bindings(Fill(attrgetter("path")), fills["headers"], fills["query_parameters"], fills["parameters"])
    return attrs.evolve(_plan(action, bindings), known=frozenset(blanks))


@attrs.frozen
class Blank:
    """A variable of an action, for a call by name.

    `place`: `headers`, `query_parameters` or `parameters`. `name`: what it is named there, the dotted path of a message
    parameter. `parameter`: None where it is no message parameter.
    """

    place: str
    name: str
    variable: Variable
    parameter: MessageParameter | None = None

    @property
    def path(self) -> str:
        """Where a rendering tells its faults."""
        return f"$.{self.place}.{self.name}"


def variables_by_name(action: Action) -> dict[str, Blank]:
    """Return the variables of an action that can be rendered, by the names that `plan_values` takes."""
    configuration = _configuration(action)
    pairs = {"headers": configuration.headers, "query_parameters": configuration.query_parameters}
    blanks = [Blank(place, *pair) for place, given in pairs.items() for pair in _variables(given).items()]
    for path, parameter in walk(action.message_parameters):
        if parameter.variable is not None:
            blanks.append(Blank("parameters", path, parameter.variable, parameter))
    times = Counter(blank.name for blank in blanks)
    return {_key(blank, times[blank.name]): blank for blank in blanks}


def _key(blank: Blank, times: int) -> str:
    """The name of a variable, with its place where the name alone would not tell."""
    is_plain = times == 1 and not blank.name.startswith(_PREFIXES)
    return blank.name if is_plain else _PREFIX[blank.place] + blank.name


def _from_values(key: str) -> Fill:
    return Fill(lambda given: given.values.get(key, ABSENT))


def _configuration(action: Action) -> UrlConfiguration:
    assert action.url_configuration is not None  # noqa: S101 - safety_violations came first
    return action.url_configuration


def _variables(pairs: Iterable[Any]) -> dict[str, Variable]:
    return {pair.name: pair.value for pair in pairs if isinstance(pair.value, Variable)}


def _plan(action: Action, bindings: _Bindings) -> Plan:
    configuration = _configuration(action)
    return Plan(
        action=action,
        method=configuration.method,
        destination=parse_url(configuration.url).origin,
        url=_url(configuration, bindings),
        headers=_header_part(_headers(action), bindings.headers),
        body=_body(action, bindings),
        credentials=_credentials(action, configuration),
        identity=action.authentication.client_certificate(),
        known=None,
        parameterized=bool(action.variables),
        read=compile_answer(action),
    )


def _url(configuration: UrlConfiguration, bindings: _Bindings) -> Part[str]:
    """The whole URL: the static one, the path below it, and what is asked."""
    url = parse_url(configuration.url)
    path = Slot("$.path", bindings.path, optional=False)
    pairs: list[Part[str]] = [url.query]
    for name, value in _slots(configuration.query_parameters, bindings.query_parameters, "$.query_parameters"):
        start = encode_query(name) + "="
        pairs.append(start + encode_query(value) if isinstance(value, str) else value.written(_asked(start), ""))
    origin, static = url.origin, url.path

    def below(value: Any) -> str:
        return origin + join_path(static, value if type(value) is str else _text(value))

    return skeleton([path.written(below, ""), delimited(pairs, "?")])


def _asked(start: str) -> Callable[[Any], str]:
    """What writes the value of a query parameter behind its `start`, the name."""

    def pair(value: Any) -> str:
        text = value if type(value) is str else _text(value)
        if len(text) > MAX_QUERY_VALUE:
            raise Unsafe(f"a query value has at most {MAX_QUERY_VALUE} characters", "R86")
        try:
            return start + encode_query(text)
        except UnicodeEncodeError:
            message = "a query value is text of Unicode characters; this one holds a lone surrogate"
            raise Unsafe(message, "R86") from None

    return pair


def _header_part(given: Iterable[Header], fills: Places) -> Part[Headers]:
    found = [
        (name, value.strip(" \t")) if isinstance(value, str) else value.written(_header(name), None)
        for name, value in _slots(given, fills, "$.headers")
    ]
    parts = [part for part in found if part is not None]

    fixed = [None if callable(part) else part for part in parts]
    written = [(place, part) for place, part in enumerate(parts) if callable(part)]

    def write(subject: Any, faults: Faults) -> Headers:
        headers = fixed.copy()
        for place, part in written:
            headers[place] = part(subject, faults)
        return tuple(headers if None not in headers else filter(None, headers))  # type: ignore[arg-type]

    return write if written else write(None, Faults())


def _header(name: str) -> Callable[[Any], tuple[str, str]]:
    """What makes the header `name` of a value."""

    def header(value: Any) -> tuple[str, str]:
        text = value if type(value) is str else _text(value)
        if len(text) > MAX_HEADER_VALUE:
            raise Unsafe(f"a header value has at most {MAX_HEADER_VALUE} characters", "R74")
        if fault := header_value_fault(text):
            raise Unsafe(fault, "R74")
        return name, text.strip(" \t")

    return header


def _headers(action: Action) -> Iterator[Header]:
    """The headers of an action; the default Content-Type is that of its body."""
    for header in _configuration(action).headers:
        default = header == Header("Content-Type", BodyFormat.JSON.content_type)
        yield attrs.evolve(header, value=action.body_format.content_type) if default else header


def _slots(pairs: Iterable[Any], fills: Places, path: str) -> Iterator[tuple[str, str | Slot]]:
    for pair in pairs:
        if isinstance(pair.value, Variable):
            yield pair.name, Slot(f"{path}.{pair.name}", fills.get(pair.name, Fill()), pair.value.optional)
        elif isinstance(pair.value, str):
            yield pair.name, pair.value


def _body(action: Action, bindings: _Bindings) -> Part[str | None]:
    if not action.message_parameters:
        return None
    slots = {
        path: Slot(f"$.parameters.{path}", bindings.parameters.get(path, Fill()), p.variable.optional)
        for path, p in walk(action.message_parameters)
        if p.variable is not None
    }
    compiled = _COMPILERS[action.body_format]
    return compiled(action.message_parameters, slots, bindings.sources, nulls=action.allow_null_values)


_COMPILERS: dict[BodyFormat, Callable[..., Part[Any]]] = {
    BodyFormat.JSON: compile_payload,
    BodyFormat.FORM: compile_form,
    BodyFormat.RAW: compile_text,
}


def _credentials(action: Action, configuration: UrlConfiguration) -> tuple[Credential, ...]:
    """What the secrets of headers, query and authentication add to the call, in this order."""
    places: tuple[tuple[Literal["header", "query"], Iterable[Any]], ...] = (
        ("header", configuration.headers),
        ("query", configuration.query_parameters),
    )
    configured = [
        Credential(location, pair.name, secret_text(pair.value))
        for location, pairs in places
        for pair in pairs
        if isinstance(pair.value, SecretReference | LiteralSecret | SecretText)
    ]
    name = action.idempotency_header
    key = () if name is None else (Credential("header", name, SecretText(DeliveryId())),)
    return (*key, *configured, *action.authentication.credentials())
