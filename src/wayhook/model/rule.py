"""The checks of a definition against the documented rules. No I/O.

`violations` finds every broken rule of a value at once. `change_violations` judges a change to an action that is
in use. `rulebook.py` has the table of the rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import attrs

from wayhook.errors import DefinitionError, Violation, Violations
from wayhook.jsonvalue import is_unicode
from wayhook.model.action import (
    DEFAULT_HEADERS,
    Action,
    ActionType,
    BodyFormat,
    Header,
    QueryParameter,
    UrlConfiguration,
)
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    MutualTlsAuthentication,
    NoAuthentication,
)
from wayhook.model.authorization import CertificateCredential, CustomAuthorization
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.connection import Connection
from wayhook.model.guardrail import Guardrails, NestedLists
from wayhook.model.journey import ActionActivity, Journey
from wayhook.model.lifecycle import DRY_RUNS, PAUSES, RUNNING, JourneyStatus
from wayhook.model.parameter import MessageParameter, Variable, field_name_fault, walk
from wayhook.model.size import size_violations
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.model.token import TokenCall
from wayhook.model.url import read_url
from wayhook.values import DataType, Misfit, conform

__all__ = [
    "binding_violations",
    "change_violations",
    "header_value_fault",
    "require",
    "safety_violations",
    "violations",
]


_NAME = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.ASCII)
_FORM_TYPE = re.compile(r"application/x-www-form-urlencoded\s*(?:;.*)?", re.IGNORECASE | re.ASCII)
_ANY_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+\s*(?:;.*)?", re.ASCII)
_MEDIA_TYPES = {BodyFormat.JSON: _JSON_TYPE, BodyFormat.FORM: _FORM_TYPE, BodyFormat.RAW: _ANY_TYPE}
_RESERVED = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
MAX_ACTIVITIES = 50
MAX_REENTRANCE_WAIT = 90 * 24 * 3600
WITHOUT_BODY = frozenset({"GET", "HEAD"})

Limit = CappingRule | CappingConfiguration | ThrottlingRule | ThrottlingConfiguration


def violations(
    value: Action | Journey | Connection | UrlConfiguration | Limit, *, guardrails: Guardrails | None = None
) -> tuple[Violation, ...]:
    """Return every rule that `value` breaks, each with its path; empty when it may be saved and used.

    What more a journey keeps to be tested or published is told by `publication_violations`.
    `guardrails`: the `standard` edition unless given.
    """
    rails = Guardrails.standard() if guardrails is None else guardrails
    if not isinstance(rails, Guardrails):
        return Violations([Violation("$.guardrails", "guardrails are an edition, such as Guardrails.standard()")])
    return Violations(_broken(value, rails))


def _broken(value: object, rails: Guardrails) -> Iterator[Violation]:
    match value:
        case Action():
            yield from _action(value, rails)
        case Journey():
            yield from _journey(value, rails)
        case Connection():
            yield from _connection(value, rails)
        case UrlConfiguration():
            yield from _url_configuration(value, rails, "$")
        case CappingRule() | CappingConfiguration() | ThrottlingRule() | ThrottlingConfiguration():
            yield from value.violations()
        case _:
            known = "an Action, a Journey, a Connection, a UrlConfiguration or a limit"
            yield Violation("$", f"{known} is checked, not {type(value).__name__}")


def require(value: Action | Journey | Connection, guardrails: Guardrails) -> None:
    """Raise `DefinitionError` with every rule that `value` breaks, if it breaks one."""
    found = violations(value, guardrails=guardrails)
    if found:
        raise DefinitionError(found)


def _action(action: Action, rails: Guardrails) -> Iterator[Violation]:
    yield from _name(action.name, rails)
    if action.action_type is ActionType.CAMPAIGN_CLASSIC:
        yield from _campaign_classic(action)
    elif action.url_configuration is None:
        yield Violation("$.url_configuration", "give the URL configuration of the call", "R37")
    else:
        yield from _url_configuration(action.url_configuration, rails, "$.url_configuration", action.body_format)
        yield from _body(action, action.url_configuration.method, rails)
        yield from _added(action.authentication, action.url_configuration)
    if action.idempotency_header is not None:
        yield from _idempotency_header(action, action.idempotency_header)
    yield from _authentication(action.authentication, rails, "$.authentication")
    for name in ("message_parameters", "response", "failure_response"):
        yield from _parameters(getattr(action, name), f"$.{name}", rails)
    for name in ("response", "failure_response"):
        yield from _answer_fields(action, name, rails)


def _name(name: str, rails: Guardrails) -> Iterator[Violation]:
    if not name:
        yield Violation("$.name", "give the action a name", "R1")
    if len(name) > rails.name_length:
        yield Violation("$.name", f"the name has {len(name)} characters; use at most {rails.name_length}", "R2")
    if " " in name:
        yield Violation("$.name", "the name holds a space; use '_' instead", "R3")
    if not _NAME.fullmatch(name.replace(" ", "")):
        rule = "R7" if not name.isascii() else "R4"
        yield Violation("$.name", "the name holds more than letters (a to z), digits and '_'; take the rest out", rule)


def _idempotency_header(action: Action, name: str) -> Iterator[Violation]:
    """The header that carries the identifier is ours alone (P6)."""
    yield from _header_name(name, "$.idempotency_header")
    configured = action.url_configuration.headers if action.url_configuration else ()
    if name.lower() in {header.name.lower() for header in configured}:
        yield Violation("$.idempotency_header", _OURS.format(name), "R81")
    yield from _twice(action, action.authentication)


_OURS = "the header {} carries the identifier of the execution; do not configure it"


def _twice(action: Action, authentication: Authentication) -> Iterator[Violation]:
    """The header of the identifier, where an authentication adds it too."""
    name = action.idempotency_header
    added = {added.name.lower() for added in authentication.credentials() if added.location == "header"}
    if name is not None and name.lower() in added:
        yield Violation("$.idempotency_header", _OURS.format(name), "R81")


def _campaign_classic(action: Action) -> Iterator[Violation]:
    if action.url_configuration is not None:
        yield Violation("$.url_configuration", "a Campaign Classic action has a payload only; leave the URL out", "R33")
    if not isinstance(action.authentication, NoAuthentication):
        yield Violation("$.authentication", "a Campaign Classic action has no authentication; leave it out", "R33")


def _url_configuration(
    configuration: UrlConfiguration, rails: Guardrails, path: str, body_format: BodyFormat = BodyFormat.JSON
) -> Iterator[Violation]:
    yield from _url(configuration.url, rails, f"{path}.url")
    if configuration.method not in rails.methods:
        allowed = ", ".join(sorted(rails.methods))
        rule = {"GET": "R60", "DELETE": "R61"}.get(configuration.method, "R62")
        yield Violation(f"{path}.method", f"the method {configuration.method!r} is not among {allowed}", rule)
    for i, header in enumerate(configuration.headers):
        yield from _header(header, f"{path}.headers[{i}]", rails, body_format)
    yield from _twins(configuration.headers, f"{path}.headers", "R81")
    if configuration.query_parameters and not rails.query_parameters:
        yield Violation(f"{path}.query_parameters", f"the edition {rails.edition} has no query parameters", "R82")
    for i, parameter in enumerate(configuration.query_parameters):
        yield from _query_parameter(parameter, f"{path}.query_parameters[{i}]", rails)
    yield from _twins(configuration.query_parameters, f"{path}.query_parameters", "R84")


def _url(text: str, rails: Guardrails, path: str) -> Iterator[Violation]:
    url, reasons = read_url(text)
    yield from (Violation(path, message, rule) for message, rule in reasons)
    if url is not None and (refused := rails.network.refusal(url)) is not None:
        yield Violation(path, *refused)


def _header(header: Header, path: str, rails: Guardrails, body_format: BodyFormat) -> Iterator[Violation]:
    name = header.name
    yield from _header_name(name, f"{path}.name")
    default = next((known for known in DEFAULT_HEADERS if known.name.lower() == name.lower()), None)
    if default is not None:
        yield from _default_header(header, default, path, rails, body_format)
    if isinstance(header.value, str) and (fault := header_value_fault(header.value)):
        yield Violation(f"{path}.value", fault, "R72")
    yield from _variable(header.value, path, rails)


def _header_name(name: str, path: str) -> Iterator[Violation]:
    if name.startswith((".", "$")):
        rule = "R69" if name.startswith(".") else "R70"
        yield Violation(path, f"a header name does not begin with {name[0]!r}; rename it", rule)
    if not _TOKEN.fullmatch(name):
        yield Violation(path, "a header name is one or more letters, digits and !#$%&'*+-.^_`|~ (RFC 9110)", "R71")
    elif name.lower() in _RESERVED:
        yield Violation(path, f"the header {name} belongs to the connection; leave it out", "R71")


def header_value_fault(value: str) -> str:
    """Return what is wrong with a header value, or "" (R72, R74; RFC 9110, visible ASCII, space and tab)."""
    if (value.isascii() and value.isprintable()) or _VALUE.fullmatch(value):
        return ""
    if any(sign in value for sign in "\r\n\0"):
        return "a header value holds no line break and no NUL; take it out"
    return "a header value holds visible ASCII characters, spaces and tabs only; encode the rest"


def _default_header(
    header: Header, default: Header, path: str, rails: Guardrails, body_format: BodyFormat
) -> Iterator[Violation]:
    if isinstance(header.value, Variable):
        yield Violation(f"{path}.value", f"{default.name} cannot be a variable; give it a constant value", "R79")
    elif default.name == "Charset" and header.value != default.value:
        yield Violation(f"{path}.value", "Charset is always UTF-8; leave it out", "R78")
    elif default.name == "Content-Type" and header.value != default.value:
        if not rails.content_type_editable:
            yield Violation(f"{path}.value", f"the edition {rails.edition} fixes Content-Type; leave it out", "R76")
        elif not isinstance(header.value, str) or not _MEDIA_TYPES[body_format].fullmatch(header.value.strip()):
            wanted = f"a {body_format} body has a Content-Type such as {body_format.content_type}"
            yield Violation(f"{path}.value", f"{wanted}; leave it out, or write one of that kind", "R77")


def _query_parameter(parameter: QueryParameter, path: str, rails: Guardrails) -> Iterator[Violation]:
    if not parameter.name or parameter.name.startswith((".", "$")):
        yield Violation(
            f"{path}.name", "the name of a query parameter is not empty and begins with no '.' or '$'", "R84"
        )
    for part in ("name", "value"):
        text = getattr(parameter, part)
        if isinstance(text, str) and not is_unicode(text):
            yield Violation(f"{path}.{part}", "the text holds a lone surrogate; remove it", "R86")
    yield from _variable(parameter.value, path, rails)


def _twins(pairs: Iterable[Header | QueryParameter], path: str, rule: str) -> Iterator[Violation]:
    seen: set[str] = set()
    for i, pair in enumerate(pairs):
        name = pair.name.lower() if isinstance(pair, Header) else pair.name
        if name in seen:
            yield Violation(f"{path}[{i}].name", f"the name {pair.name!r} stands there twice; keep one", rule)
        seen.add(name)


def _added(authentication: Authentication, configuration: UrlConfiguration) -> Iterator[Violation]:
    """What the authentication adds must not stand there already, and a client certificate needs TLS."""
    url, _ = read_url(configuration.url)
    headers = {header.name.lower() for header in configuration.headers}
    parameters = {parameter.name for parameter in configuration.query_parameters}
    parameters |= {unquote(pair.partition("=")[0]) for pair in (url.query if url else "").split("&")}
    for added in authentication.credentials():
        if added.location == "header" and added.name.lower() in headers:
            message = f"the authentication adds the header {added.name}, which is configured already; take one out"
            yield Violation("$.authentication", message, "R81")
        if added.location == "query" and added.name in parameters:
            message = f"the authentication adds the query parameter {added.name!r}, which is configured already"
            yield Violation("$.authentication", f"{message}; take one out", "R81")
    if url and url.scheme == "http" and authentication.client_certificate():
        yield Violation("$.authentication", f"{_TLS_ONLY}; change the URL to https", "R90")


_TLS_ONLY = "a client certificate is shown over TLS only"


def _variable(value: object, path: str, rails: Guardrails) -> Iterator[Violation]:
    if isinstance(value, Variable) and value.optional and not rails.optional_variables:
        yield Violation(path, f"the edition {rails.edition} has no optional variables", "R148")


def _body(action: Action, method: str, rails: Guardrails) -> Iterator[Violation]:
    if action.message_parameters and method in WITHOUT_BODY:
        yield Violation("$.message_parameters", f"a {method} has no payload; use query parameters or POST", "R63")
    if action.body_format not in rails.body_formats:
        yield Violation("$.body_format", f"the edition {rails.edition} sends JSON bodies only", "R135")
    if action.body_format is BodyFormat.FORM:
        for i, parameter in enumerate(action.message_parameters):
            if parameter.data_type in (DataType.OBJECT, DataType.LIST_OBJECT, DataType.LIST_ANY):
                message = "a form holds single values and lists of these; take objects and mixed arrays out"
                yield Violation(f"$.message_parameters[{i}]", message, "R135")
    if action.body_format is BodyFormat.RAW:
        kinds = [parameter.data_type for parameter in action.message_parameters]
        if kinds not in ([], [DataType.STRING]):
            message = "a raw body is one message parameter of the type string: the text as it is sent"
            yield Violation("$.message_parameters", message, "R135")


def _connection(connection: Connection, rails: Guardrails) -> Iterator[Violation]:
    yield from _name(connection.name, rails)
    yield from _authentication(connection.authentication, rails, "$.authentication")


def binding_violations(action: Action, connection: Connection) -> tuple[Violation, ...]:
    """Return what stands against sending the authentication of `connection` with `action`."""
    configuration = action.url_configuration
    url, _ = read_url(configuration.url) if configuration else (None, ())
    if configuration is None or url is None:
        return ()
    added = [
        attrs.evolve(fault, message=f"in {action.name}, {fault.message}")
        for fault in (*_added(connection.authentication, configuration), *_twice(action, connection.authentication))
    ]
    if connection.reaches(url.host):
        return tuple(added)
    allowed = ", ".join(sorted(connection.hosts))
    message = f"the connection {connection.name} of {action.name} is bound to {allowed}, not to {url.host}"
    return (Violation("$.url_configuration.url", f"{message}; change the URL or the hosts"), *added)


def _authentication(authentication: Authentication, rails: Guardrails, path: str) -> Iterator[Violation]:
    if authentication.kind not in rails.authentications:
        known = ", ".join(sorted(rails.authentications))
        message = (
            f"the edition {rails.edition} has no authentication of the kind {authentication.kind!r}; it has {known}"
        )
        yield Violation(path, message, "R90")
    if isinstance(authentication, ApiKeyAuthentication) and authentication.location == "header":
        yield from _header_name(authentication.name, f"{path}.name")
    for added in authentication.credentials():
        if added.location == "query" and not is_unicode(added.name):
            yield Violation(path, "a name holds a lone surrogate; rename it", "R86")
    if isinstance(authentication, MutualTlsAuthentication):
        yield from _authentication(authentication.authentication, rails, f"{path}.authentication")
        beside = authentication.token_call()
        if beside is not None and not beside.endpoint.lower().startswith("https://"):
            message = f"{_TLS_ONLY}; ask for the token over https"
            yield Violation(f"{path}.authentication.endpoint", message, "R90")
    elif (call := authentication.token_call()) is not None:
        yield from _token_call(call, rails, path)
    if isinstance(authentication, CustomAuthorization):
        yield from _custom(authentication, rails, path)


def _token_call(call: TokenCall, rails: Guardrails, path: str) -> Iterator[Violation]:
    yield from _url(call.endpoint, rails, f"{path}.endpoint")
    seen: set[str] = set()
    for name, value in call.headers:
        yield from _header_name(name, f"{path}.headers.{name}")
        if name.lower() in seen:
            yield Violation(f"{path}.headers.{name}", f"the name {name!r} stands there twice; keep one", "R81")
        seen.add(name.lower())
        if isinstance(value, str) and (fault := header_value_fault(value)):
            yield Violation(f"{path}.headers.{name}", fault, "R72")
    if call.cache_duration.expiry_in_response and not rails.expiry_in_response:
        message = f"the edition {rails.edition} takes a duration only; give the duration"
        yield Violation(f"{path}.cache_duration.expiry_in_response", message, "R120")


def _custom(authentication: CustomAuthorization, rails: Guardrails, path: str) -> Iterator[Violation]:
    is_certificate = isinstance(authentication, CertificateCredential)
    if is_certificate and not authentication.endpoint.lower().startswith("https://"):
        yield Violation(f"{path}.endpoint", "a certificate credential asks for its token over https", "R128")
    if authentication.authorization_type.lower() == "header":
        yield from _header_name(authentication.token_target, f"{path}.token_target")
    for name, value in authentication.body_params:
        if isinstance(value, dict | list) and not rails.nested_body_params:
            message = f"the edition {rails.edition} sends flat parameters only; leave objects and arrays out"
            yield Violation(f"{path}.body_params.{name}", message, "R125")


def _parameters(parameters: tuple[MessageParameter, ...], path: str, rails: Guardrails) -> Iterator[Violation]:
    for i, parameter in enumerate(parameters):
        yield from _parameter(parameter, f"{path}[{i}]", rails, deep=".parameters" in path)


def _parameter(parameter: MessageParameter, path: str, rails: Guardrails, *, deep: bool) -> Iterator[Violation]:
    fault = field_name_fault(parameter.name)
    if fault:
        rule = "R142" if deep else ("R141" if parameter.name.startswith("$") else "R140")
        yield Violation(f"{path}.name", fault, rule)
    if parameter.variable is None and not parameter.data_type.is_container and parameter.value is not None:
        try:
            conform(parameter.data_type)(parameter.value)
        except Misfit as misfit:
            yield Violation(f"{path}.value", f"the constant {misfit}", "R160")
    if parameter.variable is not None:
        yield from _variable_parameter(parameter, path, rails)
    if parameter.data_type is DataType.LIST_OBJECT and rails.nested_lists is NestedLists.REFUSED:
        for _, below in walk(parameter.parameters, below_lists=True):
            if below.data_type is DataType.LIST_OBJECT:
                message = f"the edition {rails.edition} has no arrays of objects inside of arrays of objects"
                yield Violation(path, message, "R168")
                break
    yield from _parameters(parameter.parameters, f"{path}.parameters", rails)


def _variable_parameter(parameter: MessageParameter, path: str, rails: Guardrails) -> Iterator[Violation]:
    yield from _variable(parameter.variable, path, rails)
    if parameter.data_type is DataType.OBJECT:
        yield Violation(path, "an object is no variable; make its fields variables", "R139")
    if parameter.data_type is DataType.LIST_ANY:
        yield Violation(path, "a mixed or nested array cannot be a variable; make its items variables", "R170")
    if parameter.data_type is not DataType.LIST_OBJECT:
        return
    if not parameter.parameters:
        yield Violation(path, "a variable list of objects names the fields of its objects", "R162")
    for _, below in walk(parameter.parameters):
        if below.data_type is DataType.LIST_OBJECT and rails.nested_lists is not NestedLists.VARIABLE:
            yield Violation(path, "a variable list of objects holds no further lists of objects", "R169")
        elif below.data_type is DataType.LIST_ANY:
            yield Violation(path, "the items of a variable list hold no mixed or nested arrays", "R169")
        elif below.variable is None and below.data_type is not DataType.OBJECT:
            yield Violation(path, f"the field {below.name!r} of a variable list is a variable too", "R164")


def _answer_fields(action: Action, name: str, rails: Guardrails) -> Iterator[Violation]:
    parameters: tuple[MessageParameter, ...] = getattr(action, name)
    if parameters and not rails.responses:
        yield Violation(f"$.{name}", f"the edition {rails.edition} reads no responses", "R175")
    yield from _mixed(parameters, f"$.{name}")


def _mixed(parameters: tuple[MessageParameter, ...], path: str) -> Iterator[Violation]:
    """Arrays of an answer whose items are of more than one type; a null is of any type (R178)."""
    for i, parameter in enumerate(parameters):
        here = f"{path}[{i}]"
        kinds = {item.data_type for item in parameter.parameters if not _is_null(item)}
        if parameter.data_type is DataType.LIST_ANY and len(kinds) > 1:
            yield Violation(here, "an array of an answer holds items of one type", "R178")
        yield from _mixed(parameter.parameters, f"{here}.parameters")


def _is_null(parameter: MessageParameter) -> bool:
    return parameter.value is None and parameter.variable is None and not parameter.data_type.is_container


def _journey(journey: Journey, rails: Guardrails) -> Iterator[Violation]:
    low, high = rails.timeout_range
    if journey.timeout is not None and not low <= journey.timeout <= high:
        yield Violation("$.timeout", f"a timeout is {low} to {high} seconds", "R203")
    if journey.reentrance_wait > MAX_REENTRANCE_WAIT:
        yield Violation("$.reentrance_wait", f"it is at most {MAX_REENTRANCE_WAIT:,} seconds, 90 days", "R300")
    yield from _status(journey, rails)
    yield from _versions(journey)
    yield from (found for found in size_violations(journey, rails) if not found.warning)
    if len(journey.activities) > MAX_ACTIVITIES:
        found = len(journey.activities)
        yield Violation("$.activities", f"a journey has at most {MAX_ACTIVITIES} activities, not {found}", "R283")
    for i, activity in enumerate(journey.activities):
        if isinstance(activity, ActionActivity):
            yield from _literals(activity, f"$.activities[{i}]")


def _status(journey: Journey, rails: Guardrails) -> Iterator[Violation]:
    """A status that the edition does not have."""
    if journey.status in PAUSES and not rails.pauses:
        yield Violation("$.status", f"the edition {rails.edition} has no pause; close or stop the journey", "R231")
    if journey.status in DRY_RUNS and not rails.dry_runs:
        yield Violation("$.status", f"the edition {rails.edition} has no dry run; use the test mode", "R230")


def _versions(journey: Journey) -> Iterator[Violation]:
    """What the versions of a journey share (R298), and that one of them is live at most (R296)."""
    if not journey.earlier:
        return
    before = journey.earlier[-1]
    for name in ("reentrance", "reentrance_wait"):
        if getattr(journey, name) != getattr(before, name):
            message = f"it is equal in all versions, and {getattr(before, name)} in version {before.version}"
            yield Violation(f"$.{name}", message, "R298")
    running = [version.version for version in journey.earlier if version.status in RUNNING]
    if running and journey.status in RUNNING:
        message = f"version {running[0]} is still running; publish with journey.publish(now), which closes it"
        yield Violation("$.status", message, "R296")


def _literals(activity: ActionActivity, path: str) -> Iterator[Violation]:
    for name, value in activity.headers:
        if isinstance(value, str) and (fault := header_value_fault(value)):
            yield Violation(f"{path}.headers.{name}", fault, "R74")


# What no rendering can do without, whatever the edition and the network policy allow.
_SAFETY = frozenset(
    {"R33", "R36", "R37", "R53", "R55", "R56", "R57", "R58", "R71", "R72", "R78", "R81", "R86"}
    | {"R107", "R135", "R139", "R140", "R141", "R142", "R160", "R162", "R164", "R169", "R170"}
)


def safety_violations(action: Action) -> tuple[Violation, ...]:
    """Return what makes it impossible to render `action` at all, whatever the edition allows."""
    configuration = action.url_configuration
    if configuration is None:
        return (Violation("$.url_configuration", "this action makes no HTTP call of its own", "R33"),)
    found = [violation for violation in _action(action, Guardrails.standard()) if violation.rule in _SAFETY]
    if not _TOKEN.fullmatch(configuration.method):
        found.append(Violation("$.url_configuration.method", "a method is letters, such as POST", "R62"))
    return tuple(found)


def change_violations(old: Action, new: Action, users: Collection[Journey]) -> tuple[Violation, ...]:
    """Return what may not change on an action that the journeys `users` use (R16 to R24).

    Name, description, URL and authentication may change. Headers and query parameters may be added while every
    version of the journeys that uses the action is a draft. An action that no journey uses may change freely, but
    stays built-in (R27).
    """
    found = list(_changes(old, new, users)) if users else []
    if old.built_in and not new.built_in:
        found.append(Violation("$.built_in", "a built-in action stays one; duplicate it and change the copy", "R27"))
    return tuple(found)


def _changes(old: Action, new: Action, users: Collection[Journey]) -> Iterator[Violation]:
    names = ", ".join(sorted(user.name for user in users))
    remedy = f"the action is used by {names}; duplicate it and change the copy"
    drafts = all(version.status is JourneyStatus.DRAFT for version in _using(old, users))
    before, after = old.url_configuration, new.url_configuration
    if before is not None and after is not None:
        if before.method != after.method:
            yield Violation("$.url_configuration.method", remedy, "R20")
        for name, rule in (("headers", "R22"), ("query_parameters", "R23")):
            yield from _pairs_changed(getattr(before, name), getattr(after, name), name, rule, remedy, drafts=drafts)
    if old.action_type is not new.action_type:
        yield Violation("$.action_type", remedy, "R20")
    for name in ("message_parameters", "allow_null_values"):
        if getattr(old, name) != getattr(new, name):
            yield Violation(f"$.{name}", remedy, "R21")


def _using(action: Action, users: Collection[Journey]) -> Iterator[Journey]:
    """The versions of journeys that use the action."""
    versions = (version for user in users for version in user.versions)
    return (version for version in versions if any(use.action == action.name for use in version.action_activities))


def _pairs_changed(
    before: tuple[Any, ...], after: tuple[Any, ...], name: str, rule: str, remedy: str, *, drafts: bool
) -> Iterator[Violation]:
    kept = [pair for pair in after if pair in before]
    if kept != list(before):
        yield Violation(f"$.url_configuration.{name}", remedy, "R24")
    if len(after) > len(kept) and not drafts:
        yield Violation(
            f"$.url_configuration.{name}",
            f"{remedy}; more may be added only while all of them are drafts",
            rule,
        )
