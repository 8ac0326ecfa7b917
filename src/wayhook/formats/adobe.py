"""The product's own JSON of a custom authorization, read as it stands and written back.

Sections 3.4 to 3.6 of the rules (R97 to R132).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from wayhook.errors import DefinitionError, DocumentError, Violation, closest
from wayhook.jsonvalue import Json, parse_json
from wayhook.model.authorization import CertificateCredential, CustomAuthorization
from wayhook.model.shape import type_fault
from wayhook.model.token import PLAIN_HEADERS, PLAIN_PARAMETERS, CacheDuration, Text
from wayhook.secret import (
    BASE64_SPELLINGS,
    Base64,
    LiteralSecret,
    Secret,
    SecretReference,
    SecretText,
    literal_secret,
)

__all__ = ["PLACEHOLDER", "dump_authorization", "load_authorization"]

PLACEHOLDER = "INSERT_SECRET_HERE"
"""What stands in the place of a secret in an export (R311)."""

CERTIFICATE = "certificateCredential"
_FUNCTION = re.compile(rf"({'|'.join(BASE64_SPELLINGS)})\(")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]* ")
_SCALARS = str | int | float | bool | None

_KEYS = {
    "type": (str, True, "R97"),
    "subType": (str, False, "R127"),
    "aud": (str, False, "R127"),
    "authorizationType": (str, True, "R98"),
    "tokenTarget": (str, False, "R99"),
    "endpoint": (str, True, "R101"),
    "method": (str, True, "R102"),
    "headers": (dict, False, "R108"),
    "body": (dict, False, "R103"),
    "tokenInResponse": (str, True, "R109"),
    "cacheDuration": (dict, False, "R118"),
}
_BODY_KEYS = {"bodyType": (str, True, "R105"), "bodyParams": (dict, True, "R103")}
_CACHE_KEYS = {
    "duration": (int, False, "R119"),
    "expiryInResponse": (str, False, "R120"),
    "timeUnit": (str, True, "R118"),
}
_NAMES = {"str": "a string", "dict": "an object", "int": "a whole number"}


def load_authorization(
    document: Mapping[str, Any] | str | bytes,
    *,
    secrets: Mapping[str, Text] | None = None,
    private_key: Secret | None = None,
    certificate: str = "",
) -> CustomAuthorization:
    """Read the JSON of a custom authorization as the product shows it; a `CertificateCredential` for that subtype.

    `document`: the object, or its text; also below a key `authentication`, as one page of the product has it.
    `secrets`: what to put in the place of values, by the name of the header or body parameter (dotted, where nested):
    `{"password": wayhook.secret("env:PASSWORD")}`. Every other value that may be a secret becomes a literal secret,
    which is masked everywhere and not stored: all headers but a few such as Accept, and all parameters but a few such
    as grant_type, scope and client_id. `EncodeBase64(…)`, also spelled `Encode64`, becomes `wayhook.Base64` (R124).
    `private_key`, `certificate`: of a certificate credential, which the product keeps to itself.

    Raises `DocumentError` with every fault and its path, a placeholder that is left among them.
    """
    if faults := list(type_fault({} if secrets is None else secrets, Mapping, "$", "for secrets, a mapping of names")):
        raise DefinitionError(faults)
    return _Reading(dict(secrets or {})).authorization(_object(document), private_key, certificate)


def _object(document: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    try:
        value = parse_json(document) if isinstance(document, str | bytes) else document
    except DefinitionError as error:
        raise DocumentError(error.violations) from None
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise DocumentError([Violation("$", "a custom authorization is a JSON object", "R97")])
    inner = value.get("authentication")
    return dict(inner) if len(value) == 1 and isinstance(inner, Mapping) else dict(value)


@attrs.define
class _Reading:
    secrets: dict[str, Text]
    faults: list[Violation] = attrs.Factory(list)
    used: set[str] = attrs.Factory(set)

    def authorization(self, given: dict[str, Any], private_key: Secret | None, certificate: str) -> CustomAuthorization:
        self.check(given, _KEYS, "$")
        body, cache = given.get("body"), given.get("cacheDuration")
        if given.get("type") not in (None, "customAuthorization"):
            self.fault("$.type", "the type is 'customAuthorization'", "R97")
        subtype = given.get("subType")
        if subtype not in (None, CERTIFICATE):
            self.fault("$.subType", f"a subtype is '{CERTIFICATE}', or is left out", "R127")
        if subtype is None and "aud" in given:
            self.fault("$.aud", f"only the subtype '{CERTIFICATE}' has an audience", "R127")
        parts = {
            "endpoint": given.get("endpoint"),
            "method": given.get("method"),
            "authorization_type": given.get("authorizationType"),
            "token_target": given.get("tokenTarget", ""),
            "headers": self.headers(given.get("headers")),
            "body_type": self.body_type(body),
            "body_params": self.params(body),
            "token_in_response": given.get("tokenInResponse"),
            "cache_duration": self.cache(cache),
        }
        self.unused()
        kind: Callable[..., CustomAuthorization] = CustomAuthorization
        if subtype == CERTIFICATE:
            kind = CertificateCredential
            parts |= {"audience": given.get("aud", ""), "private_key": private_key, "certificate": certificate}
        return self.made(kind, parts)

    def made(self, kind: Callable[..., CustomAuthorization], parts: dict[str, Any]) -> CustomAuthorization:
        """The value, or every fault: those of the document first, those of the class where it says nothing."""
        try:
            value = kind(**parts)
        except DefinitionError as error:
            told = {fault.path for fault in self.faults}
            for fault in error.violations:
                path = _document_path(fault.path)
                if not any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in told):
                    self.faults.append(attrs.evolve(fault, path=path))
        if self.faults:
            raise DocumentError(self.faults)
        return value

    def fault(self, path: str, message: str, rule: str) -> None:
        self.faults.append(Violation(path, message, rule))

    def check(self, given: dict[str, Any], keys: Mapping[str, tuple[type, bool, str]], path: str) -> None:
        """Keys that are unknown, missing or of a wrong type."""
        for name in given:
            if name not in keys:
                close = closest(str(name), keys)
                hint = f"did you mean {close!r}?" if close else f"there are {', '.join(keys)}"
                self.fault(f"{path}.{str(name)[:40]}", f"there is no such key; {hint}", "R97")
        for name, (kind, required, rule) in keys.items():
            if name not in given:
                if required:
                    self.fault(f"{path}.{name}", "this is missing; add it", rule)
            elif not isinstance(given[name], kind) or isinstance(given[name], bool):
                found = "null" if given[name] is None else type(given[name]).__name__
                self.fault(f"{path}.{name}", f"{_NAMES[kind.__name__]} belongs here, not {found}", rule)

    def headers(self, given: Any) -> tuple[tuple[str, Text], ...]:
        found = []
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if isinstance(value, str):
                plain = str(name).lower() in PLAIN_HEADERS
                found.append((name, self.text(value, str(name), f"$.headers.{name}", plain=plain)))
            else:
                self.fault(f"$.headers.{name}", "a header is a string", "R108")
        return tuple(found)

    def body_type(self, body: Any) -> Any:
        if not isinstance(body, dict):
            return None
        self.check(body, _BODY_KEYS, "$.body")
        return body.get("bodyType")

    def params(self, body: Any) -> tuple[tuple[str, Any], ...]:
        params = body.get("bodyParams") if isinstance(body, dict) else None
        if not isinstance(params, dict):
            return ()
        return tuple((name, self.value(below, name, f"$.body.bodyParams.{name}")) for name, below in params.items())

    def value(self, value: Any, name: str, path: str) -> Any:
        if name in self.secrets:
            self.used.add(name)
            return self.secrets[name]
        if isinstance(value, dict):
            return {key: self.value(below, f"{name}.{key}", f"{path}.{key}") for key, below in value.items()}
        if isinstance(value, list):
            return [self.value(below, f"{name}.{i}", f"{path}[{i}]") for i, below in enumerate(value)]
        if isinstance(value, str):
            return self.text(value, name, path, plain=name.rpartition(".")[2] in PLAIN_PARAMETERS)
        return value

    def text(self, value: str, name: str, path: str, *, plain: bool) -> Any:
        if name in self.secrets:
            self.used.add(name)
            return self.secrets[name]
        if PLACEHOLDER in value:
            self.fault(path, f"a placeholder is left; give the value: secrets={{{name!r}: wayhook.secret(…)}}", "R312")
            return ""
        try:
            parts = list(_parts(value))
        except ValueError:
            self.fault(path, "EncodeBase64( has no ')' of its own; write EncodeBase64(client:secret)", "R124")
            return ""
        if not any(isinstance(part, Base64) for part in parts):
            return value if plain else literal_secret(value)
        return SecretText(*(part if plain else _hidden(part) for part in parts))

    def cache(self, given: Any) -> CacheDuration:
        if not isinstance(given, dict):
            return CacheDuration()
        self.check(given, _CACHE_KEYS, "$.cacheDuration")
        if "duration" not in given and "expiryInResponse" not in given:
            self.fault("$.cacheDuration.duration", "give a duration, or expiryInResponse", "R119")
        duration, expiry = given.get("duration"), given.get("expiryInResponse", "")
        try:
            return CacheDuration(duration, given.get("timeUnit", "hours"), expiry_in_response=expiry)
        except DefinitionError as error:
            told = {fault.path for fault in self.faults}
            found = (attrs.evolve(f, path=_document_path(f"$.cache_duration{f.path[1:]}")) for f in error.violations)
            self.faults += [fault for fault in found if fault.path not in told]
        return CacheDuration()

    def unused(self) -> None:
        for name in sorted(set(self.secrets) - self.used):
            self.fault("$", f"there is no header or body parameter {name!r} to put a secret into", "R312")


def _hidden(part: str | Base64) -> str | LiteralSecret | Base64:
    """Text around the function may be secret, but for a scheme, as in `Basic EncodeBase64(…)`."""
    return part if isinstance(part, Base64) or _SCHEME.fullmatch(part) else literal_secret(part)


def _parts(value: str) -> Iterator[str | Base64]:
    """A text with the Base64 function in it: what stands before, in and behind it (R124); other text is literal.

    The function ends at its own parenthesis: a secret may hold pairs of them. Raises `ValueError` where it has none.
    """
    end = 0
    while (found := _FUNCTION.search(value, end)) is not None:
        if found.start() > end:
            yield value[end : found.start()]
        closing = _closing(value, found.end())
        if closing == len(value):
            raise ValueError
        inner = value[found.end() : closing]
        name, colon, rest = inner.partition(":")
        # The name of a client may be shown; one without a password behind it is the secret itself.
        parts = (name, colon, literal_secret(rest)) if name and rest else (literal_secret(inner),)
        yield Base64(*parts, spelling=found[1])
        end = closing + 1
    if end < len(value):
        yield value[end:]


def _closing(value: str, start: int) -> int:
    """Where the parenthesis that was opened before `start` is closed; the length of `value` where it is not."""
    depth = 1
    for i in range(start, len(value)):
        depth += {"(": 1, ")": -1}.get(value[i], 0)
        if depth == 0:
            return i
    return len(value)


_PATHS = {
    "audience": "aud",
    "authorization_type": "authorizationType",
    "token_target": "tokenTarget",
    "body_type": "body.bodyType",
    "body_params": "body.bodyParams",
    "token_in_response": "tokenInResponse",
    "cache_duration": "cacheDuration",
    "expiry_in_response": "expiryInResponse",
    "time_unit": "timeUnit",
}


def _document_path(path: str) -> str:
    return re.sub(r"(?<=\.)(?:" + "|".join(_PATHS) + r")(?=\.|\[|$)", lambda found: _PATHS[found[0]], path)


def dump_authorization(
    authentication: CustomAuthorization, *, literal_secrets_allowed: bool = False
) -> dict[str, Json]:
    """Return the product's JSON of `authentication`; what has its default value is left out.

    A secret becomes the placeholder `INSERT_SECRET_HERE`, unless it is a literal one and these are allowed. Raises
    `DefinitionError` for what the product's JSON has no form for.
    """
    if not isinstance(authentication, CustomAuthorization):
        found = type(authentication).__name__
        raise DefinitionError([Violation("$", f"the product's JSON describes a CustomAuthorization, not {found}")])

    def written(value: Any) -> Any:
        return _written(value, literal_secrets_allowed=literal_secrets_allowed)

    certificate = isinstance(authentication, CertificateCredential)
    body: Json = authentication.body_type and {
        "bodyType": authentication.body_type,
        "bodyParams": {name: written(value) for name, value in authentication.body_params},
    }
    document: dict[str, Json] = {
        "type": "customAuthorization",
        "subType": CERTIFICATE if certificate else None,
        "aud": authentication.audience if isinstance(authentication, CertificateCredential) else None,
        "authorizationType": authentication.authorization_type,
        "tokenTarget": authentication.token_target or None,
        "endpoint": authentication.endpoint,
        "method": authentication.method,
        "headers": {name: written(value) for name, value in authentication.headers} or None,
        "body": body,
        "tokenInResponse": authentication.token_in_response,
        "cacheDuration": _cache(authentication.cache_duration),
    }
    return {name: value for name, value in document.items() if value is not None}


def _cache(cache: CacheDuration) -> Json:
    if cache == CacheDuration():
        return None
    length: dict[str, Json] = {"duration": cache.duration}
    if cache.expiry_in_response:
        length = {"expiryInResponse": cache.expiry_in_response}
    return {**length, "timeUnit": str(cache.time_unit)}


def _written(value: Any, *, literal_secrets_allowed: bool) -> Any:  # noqa: PLR0911 - one line for each kind of value
    def written(below: Any) -> Any:
        return _written(below, literal_secrets_allowed=literal_secrets_allowed)

    match value:
        case SecretText():
            return "".join(map(written, value.parts))
        case Base64():
            return _function(value.spelling, "".join(map(written, value.parts)))
        case SecretReference():
            return PLACEHOLDER
        case LiteralSecret():
            return value.reveal() if literal_secrets_allowed else PLACEHOLDER
        case dict():
            return {name: written(below) for name, below in value.items()}
        case list():
            return list(map(written, value))
        case _:
            return value


def _function(name: str, inner: str) -> str:
    written = f"{name}({inner})"
    if _closing(written, len(name) + 1) != len(written) - 1:
        message = "a text with one half of a pair of parentheses cannot be written into EncodeBase64(…)"
        raise DefinitionError([Violation("$", message, "R124")])
    return written
