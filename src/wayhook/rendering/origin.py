"""Where each value of a previewed call came from. No I/O.

The texts are read off the call itself, so that what is told is what is sent; the action and the activity say why it
stands there. Nothing of this is done for an execution, nor for a preview before somebody asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, Literal
from urllib.parse import parse_qsl

import attrs

from wayhook.expression.context import Context
from wayhook.expression.expression import Expression
from wayhook.expression.fault import Fault
from wayhook.model.action import DEFAULT_HEADERS, Action, BodyFormat, UrlConfiguration
from wayhook.model.guardrail import Guardrails
from wayhook.model.journey import ActionActivity
from wayhook.model.parameter import MessageParameter, Variable
from wayhook.model.url import masked_url, parse_url
from wayhook.secret import Credential, DeliveryId
from wayhook.wire import Call, Explanation, Origin

__all__ = ["explained"]

MAX_ORIGINS = 1000
MAX_TEXT = 300
"""Characters of one value that are told."""

Part = Literal["url", "path", "header", "query", "payload"]
_PLACES: dict[Part, str] = {"header": "headers", "query": "query_parameters", "payload": "parameters"}
_KEYS: dict[Part, str] = {"header": "header", "query": "query", "payload": "parameter"}
_LEFT_OUT: Any = object()
"""In the place of a value that does not stand in the call."""


def explained(
    call: Call, action: Action, activity: ActionActivity | None, subject: Any, *, guardrails: Guardrails, timeout: float
) -> Call:
    """Return the same call with its `explanation`.

    `activity`: where the values come from, or None where they were given by name. `subject`: what it was rendered from;
    of a context, which is changed by executions, it is as it is now.
    """
    seen = attrs.evolve(subject) if isinstance(subject, Context) else subject
    return attrs.evolve(call, explain=_Explain(action, activity, seen, guardrails, timeout))


@attrs.frozen(repr=False)
class _Explain:
    """Explains a call of `action`."""

    action: Action
    activity: ActionActivity | None
    subject: Any
    guardrails: Guardrails
    timeout: float

    def __call__(self, call: Call) -> Explanation:
        origins = self._origins(call)
        told = tuple(islice(origins, MAX_ORIGINS))
        return Explanation(told, sum(1 for _ in origins), str(self.guardrails.repetition), self.timeout)

    def _origins(self, call: Call) -> Iterator[Origin]:
        configuration = self.action.url_configuration
        assert configuration is not None  # noqa: S101 - it was rendered
        yield from self._address(call, configuration)
        yield from self._headers(call, configuration)
        yield from self._query(call, configuration)
        yield from map(_secret, call.credentials)
        yield from self._payload(call)

    def _address(self, call: Call, configuration: UrlConfiguration) -> Iterator[Origin]:
        static = parse_url(configuration.url)
        base = static.origin + static.path.removesuffix("/")
        yield Origin("url", "", "constant", _bounded(masked_url(configuration.url)))
        below = call.url.partition("?")[0].removeprefix(base).removeprefix("/")
        value = self.activity.path if self.activity else self.subject.path
        if value:
            yield self._filled("path", "", value, Variable(), below or None)

    def _headers(self, call: Call, configuration: UrlConfiguration) -> Iterator[Origin]:
        sent = list(call.headers)
        for header in configuration.headers:
            if not isinstance(header.value, str | Variable):
                continue
            text = sent.pop(0)[1] if sent and sent[0][0] == header.name else None
            if isinstance(header.value, Variable):
                yield self._of_variable("header", header.name, header.value, text)
            else:
                yield Origin("header", header.name, "default" if header in DEFAULT_HEADERS else "constant", text)

    def _query(self, call: Call, configuration: UrlConfiguration) -> Iterator[Origin]:
        static = parse_url(configuration.url).query
        asked = call.url.partition("?")[2].removeprefix(static).removeprefix("&")
        sent = parse_qsl(asked, keep_blank_values=True)
        for parameter in configuration.query_parameters:
            if not isinstance(parameter.value, str | Variable):
                continue
            text = sent.pop(0)[1] if sent and sent[0][0] == parameter.name else None
            if isinstance(parameter.value, Variable):
                yield self._of_variable("query", parameter.name, parameter.value, text)
            else:
                yield Origin("query", parameter.name, "constant", text)

    def _payload(self, call: Call) -> Iterator[Origin]:
        parameters, text = self.action.message_parameters, (call.body or b"").decode()
        match self.action.body_format:
            case BodyFormat.JSON if parameters:
                body = json.loads(text, parse_float=_Number, parse_int=_Number)
            case BodyFormat.FORM if parameters:
                body = _fields(parameters, text)
            case BodyFormat.RAW if parameters:
                body = _LEFT_OUT if call.body is None else {parameters[0].name: _Plain(text)}
            case _:
                return
        yield from self._members(parameters, body, "")

    def _members(self, parameters: Sequence[MessageParameter], body: Any, above: str) -> Iterator[Origin]:
        """The origins of an object's fields, or of a list's items."""
        path = [f"{above}{parameter.name}" for parameter in parameters]
        if isinstance(body, list):
            there = iter(body)
            dropped = [
                len(body) < len(path) and self._is_dropped(p, at) for p, at in zip(parameters, path, strict=True)
            ]
            found = [_LEFT_OUT if gone else next(there, _LEFT_OUT) for gone in dropped]
        else:
            found = [body.get(p.name, _LEFT_OUT) if isinstance(body, dict) else _LEFT_OUT for p in parameters]
        for parameter, at, value in zip(parameters, path, found, strict=True):
            text = None if value is _LEFT_OUT else _written(value)
            if parameter.variable is not None:
                yield self._of_variable("payload", at, attrs.evolve(parameter.variable, label=parameter.label), text)
            elif _varies(parameter):
                yield from self._members(parameter.parameters, value, f"{at}.")
            else:
                yield Origin("payload", at, "constant", None if text is None else _bounded(text))

    def _is_dropped(self, item: MessageParameter, path: str) -> bool:
        """Whether an item of a constant list is a null, which is not sent (R152)."""
        if item.data_type.is_list and self.action.allow_null_values:
            return False
        if item.variable is None:
            return item.value is None and not item.data_type.is_container
        value = self._given("payload", path)
        try:
            return (value.closure(self.subject) if isinstance(value, Expression) else value) is None
        except Fault:
            return True

    def _of_variable(self, part: Part, name: str, variable: Variable, text: str | None) -> Origin:
        return self._filled(part, name, self._given(part, name), variable, text)

    def _given(self, part: Part, name: str) -> Any:
        """What fills a variable: an expression, a literal, or None."""
        if self.activity is not None:
            return dict(getattr(self.activity, _PLACES[part])).get(name)
        values = self.subject.values
        return values.get(f"{_KEYS[part]}:{name}", values.get(name))

    def _filled(self, part: Part, name: str, value: Any, variable: Variable, text: str | None) -> Origin:
        text, label = None if text is None else _bounded(text), variable.label or name
        if not isinstance(value, Expression):
            return Origin(part, name, "variable", text, label)
        return Origin(part, name, "expression", text, label, value.text, value.defaults(self.subject))


def _secret(credential: Credential) -> Origin:
    source = "delivery id" if DeliveryId() in credential.text.secrets else "secret"
    return Origin(credential.location, credential.name, source, _bounded(credential.text.masked))  # type: ignore[arg-type]  # one of two words


def _varies(parameter: MessageParameter) -> bool:
    return parameter.variable is not None or any(map(_varies, parameter.parameters))


class _Plain(str):
    """A text of the body that is written as it is."""

    __slots__ = ()


_Number = _Plain
"""A number as it stands in JSON: exact."""


def _fields(parameters: Sequence[MessageParameter], text: str) -> dict[str, Any]:
    """The fields of a form by name; those of a list in a list."""
    found: dict[str, list[Any]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, []).append(_Plain(value))
    lists = {parameter.name for parameter in parameters if parameter.data_type.is_list}
    return {name: values if name in lists else values[0] for name, values in found.items()}


def _written(value: Any) -> str:
    """A value of the body as it stands there, without white space."""
    match value:
        case _Plain():
            return value
        case str():
            return encode_basestring(value)
        case list():
            return f"[{','.join(map(_written, value))}]"
        case dict():
            return f"{{{','.join(f'{encode_basestring(name)}:{_written(below)}' for name, below in value.items())}}}"
        case _:
            return json.dumps(value)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text):,} characters)"
