"""An action on one page of Markdown: for those who use it, run it, or answer it. No secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from wayhook.errors import DefinitionError, Violation
from wayhook.formats.form import FormField, form, kind_of
from wayhook.model.action import Action, BodyFormat, UrlConfiguration
from wayhook.model.authentication import Authentication, ConnectionReference, MutualTlsAuthentication, NoAuthentication
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.guardrail import ATTEMPTS, IDEMPOTENT, Guardrails, Repetition, edition_of
from wayhook.model.limit import Rating, spelled
from wayhook.model.parameter import MessageParameter, Variable, walk
from wayhook.model.shape import as_tuple
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.model.url import masked_endpoint
from wayhook.secret import secret_text

__all__ = ["data_sheet"]

Limit = CappingRule | CappingConfiguration | ThrottlingRule | ThrottlingConfiguration
Row = tuple[object, ...]

_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|~$&!]")
_BODIES = {BodyFormat.JSON: "JSON", BodyFormat.FORM: "a form", BodyFormat.RAW: "a text"}
_KINDS = {
    "none": "none",
    "basic": "Basic",
    "api_key": "API key",
    "bearer": "bearer token",
    "custom": "custom authorization",
    "certificate": "certificate credential",
    "oauth": "OAuth client credentials",
    "jwt_bearer": "signed assertion",
    "connection": "connection",
    "mutual_tls": "client certificate",
}
_LONGEST = 200
"""Characters of one value that are shown."""


def data_sheet(action: Action, *, guardrails: Guardrails | None = None, limits: Limit | Iterable[Limit] = ()) -> str:
    """Return a page of Markdown about `action`: what it is for, what it calls, and what it reads of the answer.

    Tables list headers, query parameters, what is to be filled in (label, type, whether it is required, a sample),
    constants of the payload, and fields of the answers. Secrets are named by their references. The last table says how
    long a call may take, what is repeated in the edition `guardrails` (`standard` unless given), and which of `limits`
    can concern it: rules, and configurations that are deployed. Texts are escaped, and the beginning of a long value
    is shown. Raises `DefinitionError` for an action that cannot be called.
    """
    fields, rails = form(action).fields, edition_of(guardrails)
    given = (limits,) if isinstance(limits, Limit) else as_tuple(limits)
    if not isinstance(given, tuple) or not all(isinstance(limit, Limit) for limit in given):
        raise DefinitionError([Violation("$.limits", "cappings and throttlings belong here")])
    configuration = action.url_configuration
    assert configuration is not None  # noqa: S101 - it has a form
    sections = [
        f"# {_escaped(action.name)}",
        _table(("", ""), _facts(action, configuration)),
        _section("Headers", ("name", "value"), _pairs(configuration.headers)),
        _section("Query parameters", ("name", "value"), _pairs(configuration.query_parameters)),
        _section("To be filled in", ("name", "label", "where", "what", "", "sample"), _filled(fields)),
        _section("Constants of the payload", ("field", "type", "value"), _constants(action.message_parameters)),
        _section("Read of the answer", ("field", "type", "sample"), _read(action.response)),
        _section("Read of a failure", ("field", "type", "sample"), _read(action.failure_response)),
        _section("Delivery", ("", ""), _delivery(action, configuration, rails, given)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _section(title: str, heads: Row, rows: Iterable[Row]) -> str:
    """A table below its title; nothing where it would be empty."""
    return f"## {title}\n\n{table}" if (table := _table(heads, rows)) else ""


def _table(heads: Row, rows: Iterable[Row]) -> str:
    lines = [_row(row) for row in rows]
    return "\n".join([_row(heads), _row(["---"] * len(heads)), *lines]) if lines else ""


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(_escaped(str(cell)) for cell in cells)} |"


def _escaped(text: str) -> str:
    """A text on one line that says nothing to Markdown."""
    return _SIGNS.sub(r"\\\g<0>", " ".join(text.split()))


def _shown(value: object) -> str:
    """A value as JSON has it, the beginning of a long one."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _facts(action: Action, configuration: UrlConfiguration) -> Iterator[Row]:
    if action.description:
        yield "Purpose", action.description
    yield "Call", f"{configuration.method} {configuration.url}"
    yield "Authentication", _authentication(action.authentication)
    if action.message_parameters:
        nulls = ", with nulls" if action.allow_null_values else ""
        yield "Payload", f"{_BODIES[action.body_format]}{nulls}"
    if action.channel is not None:
        yield "Channel", action.channel
    if action.required_marketing_action is not None:
        yield "Marketing action", action.required_marketing_action


def _authentication(authentication: Authentication) -> str:
    """Who calls, and where that is said: kinds and places, secrets by their references."""
    kind = _KINDS.get(authentication.kind, authentication.kind)
    if isinstance(authentication, MutualTlsAuthentication):
        beside = authentication.authentication
        return kind if beside == NoAuthentication() else f"{kind}, and {_authentication(beside)}"
    told = [f"{c.text.masked} in the {c.location} {c.name}" for c in authentication.credentials()]
    if (call := authentication.token_call()) is not None:
        told.append(f"from {call.method} {masked_endpoint(call.endpoint)}")
    if isinstance(authentication, ConnectionReference):
        told.append(authentication.name)
    return f"{kind}: {', '.join(told)}" if told else kind


def _pairs(pairs: Iterable[Any]) -> Iterator[Row]:
    for pair in pairs:
        match pair.value:
            case str():
                yield pair.name, _shown(pair.value)
            case Variable():
                yield pair.name, f"(filled in: {pair.value.label or pair.name})"
            case _:
                yield pair.name, secret_text(pair.value).masked


def _filled(fields: Iterable[FormField], above: str = "") -> Iterator[Row]:
    for field in fields:
        name = above + field.name
        must = "required" if field.required else ""
        sample = "" if field.place == "path" else _shown(field.sample)
        yield name, field.label, field.place, field.kind, must, sample
        yield from _filled(field.fields, f"{name}[]." if field.data_type.is_list else f"{name}.")


def _constants(parameters: Iterable[MessageParameter]) -> Iterator[Row]:
    for path, parameter in walk(parameters):
        if parameter.variable is None and not parameter.parameters:
            yield path, kind_of(parameter.data_type), _shown(_value(parameter))


def _read(parameters: Iterable[MessageParameter]) -> Iterator[Row]:
    for path, parameter in walk(parameters):
        sample = "" if parameter.parameters else _shown(_value(parameter))
        yield path, kind_of(parameter.data_type), sample


def _value(parameter: MessageParameter) -> object:
    """The value of a constant without parameters: its own, or an empty object or list."""
    if parameter.data_type.is_container:
        return [] if parameter.data_type.is_list else {}
    return f"{parameter.value}" if isinstance(parameter.value, Decimal) else parameter.value


def _delivery(
    action: Action, configuration: UrlConfiguration, rails: Guardrails, limits: Iterable[Limit]
) -> Iterator[Row]:
    low, high = rails.timeout_range
    yield (
        "Time",
        f"{rails.default_timeout:g} seconds with all repeats, or what a journey or a call says ({low:g} to {high:g})",
    )
    yield "Repeats", f"at most {ATTEMPTS - 1}: {_repeats(action, configuration.method, rails.repetition)}"
    if action.idempotency_header is not None:
        yield "Identifier", f"{action.idempotency_header} is the same in all repeats of one execution"
    for limit in limits:
        rule = limit.deployed_rule if isinstance(limit, CappingConfiguration | ThrottlingConfiguration) else limit
        if rule is not None:
            yield from _limit(rule, configuration)
    if rails.default_cap is not None:
        yield "Limit", f"{_rate(rails.default_cap)} to one host, where no other limit covers them"


def _repeats(action: Action, method: str, repetition: Repetition) -> str:
    if repetition is Repetition.ANY:
        return "after every failure"
    if repetition is Repetition.ANY_BUT_DENIED:
        return "after every failure but 401, 403 and 404"
    if method in IDEMPOTENT or action.idempotency_header is not None:
        return "after what may pass, also where the call may have been done, since doing it twice is as good as once"
    return "after what may pass, where the call certainly was not done"


def _limit(rule: CappingRule | ThrottlingRule, configuration: UrlConfiguration) -> Iterator[Row]:
    """What a rule says, if it covers the static URL, or begins with it."""
    pattern = rule.url if isinstance(rule, CappingRule) else rule.url_pattern
    url, method = configuration.url, configuration.method
    if not rule.covers(method, url) and not (rule.covers(method, pattern) and _is_below(pattern, url)):
        return
    if isinstance(rule, ThrottlingRule):
        yield "Limit", f"{rule.max_throughput:,} calls in a second to {pattern}; those above wait"
    elif rule.action is not None:
        yield "Limit", f"{_rate(rule.action)} to {pattern}; those above are discarded"


def _is_below(pattern: str, url: str) -> bool:
    return spelled(pattern).partition("?")[0].startswith(spelled(url).partition("?")[0])


def _rate(rating: Rating) -> str:
    return f"{rating.max_calls_count:,} calls in {rating.period_in_ms:,} ms"
