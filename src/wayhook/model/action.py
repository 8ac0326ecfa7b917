"""Action and UrlConfiguration: one HTTP call, described once. No I/O.

Sections 1 and 2 of the rules (R1 to R89).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from wayhook.errors import Violation
from wayhook.model.authentication import Authentication, NoAuthentication
from wayhook.model.parameter import MessageParameter, Variable, parameter_faults, parameter_tuple, walk
from wayhook.model.shape import Shaped, as_tuple, as_word, copy_name, type_fault
from wayhook.model.url import masked_url
from wayhook.presentation import Presentable
from wayhook.reading import Importable
from wayhook.secret import LiteralSecret, SecretReference, SecretText

__all__ = [
    "Action",
    "ActionType",
    "BodyFormat",
    "Channel",
    "Header",
    "QueryParameter",
    "UrlConfiguration",
]

HeaderValue = str | Variable | SecretReference | LiteralSecret | SecretText


@attrs.frozen
class Header:
    """One header: a constant text, a variable, or a secret."""

    name: str
    value: HeaderValue


@attrs.frozen
class QueryParameter:
    """One query parameter: a constant text, a variable, or a secret."""

    name: str
    value: HeaderValue


_Pair = TypeVar("_Pair", Header, QueryParameter)

DEFAULT_HEADERS = (Header("Content-Type", "application/json"), Header("Charset", "UTF-8"))


def _headers(given: Mapping[str, HeaderValue] | Sequence[Header]) -> tuple[Header, ...]:
    """Put the two default headers first; they are always there (R12, R75), known in any letter case (R80)."""
    headers = _named(Header, given)
    if not isinstance(headers, tuple):
        return headers
    names = {header.name.lower() for header in headers if isinstance(getattr(header, "name", None), str)}
    return tuple(header for header in DEFAULT_HEADERS if header.name.lower() not in names) + headers


def _query(given: Mapping[str, HeaderValue] | Sequence[QueryParameter]) -> tuple[QueryParameter, ...]:
    return _named(QueryParameter, given)


def _named(kind: type[_Pair], given: Any) -> tuple[_Pair, ...]:
    if isinstance(given, Mapping):
        return tuple(kind(name, value) for name, value in given.items())
    return as_tuple(given)


@attrs.frozen(repr=False)
class UrlConfiguration(Shaped, Presentable):
    """Where and how the call is made.

    `url`: the static URL; what changes is given as the path where the action is used (R51).
    `method`: POST unless given (R10). `headers`, `query_parameters`: a mapping of name to constant text,
    `wayhook.variable(label)` or `wayhook.secret(…)`, or a sequence of `Header` and `QueryParameter`. The
    headers Content-Type and Charset are always there (R12, R75).

    Raises `DefinitionError` for values of a wrong type. Which URLs, methods and names are allowed is a matter
    of guardrails, checked on save and by `wayhook.violations`.
    """

    url: str
    method: str = attrs.field(default="POST", kw_only=True)
    headers: tuple[Header, ...] = attrs.field(default=(), converter=_headers, kw_only=True)
    query_parameters: tuple[QueryParameter, ...] = attrs.field(default=(), converter=_query, kw_only=True)

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or not one of its words."""
        for name in ("url", "method"):
            if not isinstance(getattr(self, name), str):
                found = type(getattr(self, name)).__name__
                yield Violation(f"$.{name}", f"the {name} is text, not {found}", "R37" if name == "url" else "R62")
        pairs: dict[str, type[Header | QueryParameter]] = {"headers": Header, "query_parameters": QueryParameter}
        for name, kind in pairs.items():
            given = getattr(self, name)
            yield from type_fault(given, tuple, f"$.{name}", f"a mapping, or a sequence of {kind.__name__},")
            for i, pair in enumerate(given if isinstance(given, tuple) else ()):
                yield from _pair_faults(pair, kind, f"$.{name}[{i}]")

    def __repr__(self) -> str:
        return f"<UrlConfiguration {self.method} {masked_url(self.url)}>"


def _pair_faults(given: Any, kind: type[Header | QueryParameter], path: str) -> Iterator[Violation]:
    if not isinstance(given, kind):
        yield Violation(path, f"give a mapping, or a sequence of {kind.__name__}")
    elif not isinstance(given.name, str):
        yield Violation(f"{path}.name", f"a name is text, not {type(given.name).__name__}")
    elif not isinstance(given.value, HeaderValue):
        found = type(given.value).__name__
        yield Violation(f"{path}.value", f"a value is text, wayhook.variable(…) or wayhook.secret(…), not {found}")


class ActionType(StrEnum):
    """What the action calls: any HTTP service, or Adobe Campaign v7/v8, which has a payload only (R33)."""

    CUSTOM_HTTP = "customHttp"
    CAMPAIGN_CLASSIC = "campaignClassic"


class BodyFormat(StrEnum):
    """How the message parameters are written into the body: beyond the product's JSON, a form or a plain text."""

    JSON = "json"
    FORM = "form"
    RAW = "raw"

    @property
    def content_type(self) -> str:
        """The Content-Type that goes with it, unless the action has one of its own."""
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    BodyFormat.JSON: "application/json",
    BodyFormat.FORM: "application/x-www-form-urlencoded",
    BodyFormat.RAW: "text/plain",
}


class Channel(StrEnum):
    """The channel of an action (R29); all but `other` prefill the required marketing action (R30)."""

    EMAIL = "Email"
    SMS = "SMS"
    PUSH_NOTIFICATION = "Push notification"
    OTHER = "other"

    @property
    def marketing_action(self) -> str | None:
        """The marketing action that the channel prefills."""
        return _MARKETING_ACTIONS.get(self)


_MARKETING_ACTIONS = {
    Channel.EMAIL: "emailTargeting",
    Channel.SMS: "smsTargeting",
    Channel.PUSH_NOTIFICATION: "pushTargeting",
}


def _prefilled(action: Action) -> str | None:
    channel = action.channel
    return channel.marketing_action if isinstance(channel, Channel) else None


def _action_type(given: ActionType | str) -> ActionType:
    return as_word(ActionType, given)


def _body_format(given: BodyFormat | str) -> BodyFormat:
    return as_word(BodyFormat, given)


def _channel(given: Channel | str | None) -> Channel | None:
    return None if given is None else as_word(Channel, given)


@attrs.frozen(repr=False, kw_only=True)
class Action(Shaped, Presentable, Importable):
    """A named, reusable description of one HTTP call.

    `url_configuration`: None only for the Campaign Classic type (R33). `authentication`: none unless given (R11).
    `message_parameters`: the fields of the payload, from `wayhook.message_parameters(sample)`.
    `body_format`: `json`; or `form`, whose parameters are single values and lists of these; or `raw`, whose one
    parameter is the text of the body.
    `allow_null_values`: send `null` where a value is null, instead of leaving the field out (R149 to R153).
    `idempotency_header`: the header that carries the identifier of each execution, such as `Idempotency-Key`, for
    receivers that do a repeated call once; it makes every failure that may have been done safe to repeat.
    `response`, `failure_response`: the fields to read from the answer, from `wayhook.payload(sample)`.
    `channel`, `required_marketing_action`: the marketing action follows from the channel unless given (R30, R31).
    `built_in`: it came with the product and cannot be deleted (R27).

    Raises `DefinitionError`, with all faults, when a part is of a wrong type or not one of its words.
    """

    name: str
    description: str = ""
    action_type: ActionType = attrs.field(default=ActionType.CUSTOM_HTTP, converter=_action_type)
    url_configuration: UrlConfiguration | None = None
    authentication: Authentication = attrs.Factory(NoAuthentication)
    message_parameters: tuple[MessageParameter, ...] = attrs.field(default=(), converter=parameter_tuple)
    body_format: BodyFormat = attrs.field(default=BodyFormat.JSON, converter=_body_format)
    allow_null_values: bool = False
    idempotency_header: str | None = None
    response: tuple[MessageParameter, ...] = attrs.field(default=(), converter=parameter_tuple)
    failure_response: tuple[MessageParameter, ...] = attrs.field(default=(), converter=parameter_tuple)
    channel: Channel | None = attrs.field(default=None, converter=_channel)
    required_marketing_action: str | None = attrs.Factory(_prefilled, takes_self=True)
    built_in: bool = False

    def shape_faults(self) -> Iterator[Violation]:
        """Yield what is of a wrong type or not one of its words."""
        for name, kind in _FIELD_TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                yield Violation(
                    f"$.{name}", f"{_a(kind)} belongs here, not {type(value).__name__}", _RULES.get(name, "")
                )
        for name in ("message_parameters", "response", "failure_response"):
            yield from parameter_faults(getattr(self, name), f"$.{name}")

    @property
    def variables(self) -> tuple[tuple[str, Variable], ...]:
        """What is to be filled in, by path: `X-Campaign` of a header or query parameter, `customer.city` of a
        message parameter. Constants are not among them (R67, R144)."""  # noqa: D205, D209 - one sentence and a law
        configuration = self.url_configuration
        pairs: tuple[Header | QueryParameter, ...] = ()
        if configuration is not None:
            pairs = (*configuration.headers, *configuration.query_parameters)
        named = [(pair.name, pair.value) for pair in pairs if isinstance(pair.value, Variable)]
        fields = [(path, p.variable) for path, p in walk(self.message_parameters) if p.variable is not None]
        return (*named, *fields)

    def duplicate(self, taken: Collection[str] = ()) -> Action:
        """Return a copy named `<name>_Copy`, cut to 30 characters, and not one of the names `taken` (R25, R26)."""
        return attrs.evolve(self, name=copy_name(self.name, taken), built_in=False)

    def __repr__(self) -> str:
        configuration = self.url_configuration
        target = f"{configuration.method} {masked_url(configuration.url)}" if configuration else "payload"
        count = len(self.variables)
        return f"<Action {self.name}: {target}, {count} variable{'' if count == 1 else 's'}>"


_FIELD_TYPES: dict[str, Any] = {
    "name": str,
    "description": str,
    "action_type": ActionType,
    "url_configuration": UrlConfiguration | None,
    "authentication": Authentication,
    "body_format": BodyFormat,
    "allow_null_values": bool,
    "idempotency_header": str | None,
    "channel": Channel | None,
    "required_marketing_action": str | None,
    "built_in": bool,
}
_RULES = {"name": "R1", "body_format": "R135", "channel": "R29", "action_type": "R33"}


def _a(kind: Any) -> str:
    words = next((part for part in getattr(kind, "__args__", (kind,)) if issubclass(part, StrEnum)), None)
    if words is not None:
        return "one of " + ", ".join(words)
    names = [part.__name__ for part in getattr(kind, "__args__", (kind,)) if part is not type(None)]
    return f"{'an' if names[0][0] in 'AEIOU' else 'a'} {names[0]}"
