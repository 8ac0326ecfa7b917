"""Actions and journeys as JSON documents: our stored form, versioned. The one module that imports cattrs.

A document is `{"wayhook": 1, "kind": "action", …}` with the fields of the class by their names. Reading reports
every fault at once with its path in the document; unknown keys are named; secrets are references. What can be
read is bounded (5 MB, 160 levels), and a document never widens the network policy (P40): it has no place for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import GenericAlias, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from wayhook.errors import DefinitionError, DocumentError, ExpressionError, Violation, closest
from wayhook.expression.expression import Expression
from wayhook.jsonvalue import json_fault, parse_json
from wayhook.model.authentication import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    BearerAuthentication,
    ConnectionReference,
    MutualTlsAuthentication,
    NoAuthentication,
)
from wayhook.model.authorization import (
    CertificateCredential,
    CustomAuthorization,
    JwtBearerGrant,
    OAuthClientCredentials,
)
from wayhook.model.journey import ActionActivity, Activity, AnyActivity
from wayhook.model.parameter import Variable
from wayhook.model.record import KINDS, Definition, kind_of
from wayhook.model.storage import storing_violations
from wayhook.model.token import holds_secrets
from wayhook.secret import (
    BASE64_SPELLINGS,
    Base64,
    LiteralSecret,
    SecretReference,
    SecretText,
    literal_secret,
    secret,
)

__all__ = ["AUTHENTICATIONS", "FORMAT_VERSION", "NUMBER", "dump", "dumps", "load", "loads"]

FORMAT_VERSION = 1
MAX_SIZE = 5_000_000
MAX_DIGITS = 400
NUMBER = re.compile(r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]{1,3})?$", re.ASCII)
MAX_DEPTH = 160  # a payload of 64 levels takes two levels of its document for each

AUTHENTICATIONS: dict[str, type[Authentication]] = {
    kind.kind: kind
    for kind in (
        NoAuthentication,
        BasicAuthentication,
        ApiKeyAuthentication,
        BearerAuthentication,
        CustomAuthorization,
        CertificateCredential,
        OAuthClientCredentials,
        JwtBearerGrant,
        MutualTlsAuthentication,
        ConnectionReference,
    )
}


def dump(value: Definition, *, literal_secrets_allowed: bool = False) -> dict[str, Any]:
    """Return the document of `value`, made of dicts, lists and JSON scalars.

    Raises `DefinitionError` that names the place of every literal secret, unless these are allowed.
    """
    faults = tuple(storing_violations(value, literal_secrets_allowed=literal_secrets_allowed))
    if faults:
        raise DefinitionError(faults)
    return {"wayhook": FORMAT_VERSION, "kind": kind_of(value), **_converter().unstructure(value)}


def dumps(value: Definition, *, literal_secrets_allowed: bool = False) -> str:
    """Return the document of `value` as JSON text, indented, in a stable order."""
    document = dump(value, literal_secrets_allowed=literal_secrets_allowed)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if len(text) > MAX_SIZE:
        message = f"a document has at most {MAX_SIZE:,} characters, not {len(text):,}; make texts and samples shorter"
        raise DefinitionError([Violation("$", message)])
    return text


def loads(text: str | bytes, *, literal_secrets_allowed: bool = False) -> Definition:
    """Read the document in the JSON `text`; raises `DocumentError` with every fault and its path.

    A literal secret in it is a fault, unless these are allowed.
    """
    if not isinstance(text, str | bytes):
        raise DocumentError([Violation("$", f"a document is JSON text, not {type(text).__name__}")])
    if len(text) > MAX_SIZE:
        raise DocumentError([Violation("$", f"a document has at most {MAX_SIZE:,} characters, not {len(text):,}")])
    try:
        document = parse_json(text, depth=MAX_DEPTH)
    except DefinitionError as error:
        raise DocumentError(error.violations) from None
    if not isinstance(document, dict):
        raise DocumentError([Violation("$", f"a document is a JSON object, not {_kind_of(document)}")])
    return load(document, literal_secrets_allowed=literal_secrets_allowed)


def load(document: Mapping[str, Any], *, literal_secrets_allowed: bool = False) -> Definition:
    """Read a `document`; raises `DocumentError` with every fault and its path.

    A literal secret in it is a fault, unless these are allowed.
    """
    if not isinstance(document, Mapping) or not all(isinstance(name, str) for name in document):
        raise DocumentError([Violation("$", "a document is an object whose names are texts")])
    kind, faults = document.get("kind"), []
    version = document.get("wayhook")
    if type(version) is not int or version != FORMAT_VERSION:
        newer = "; it was written by a newer wayhook" if _is_newer(version) else ""
        faults.append(Violation("$.wayhook", f"the format version is {FORMAT_VERSION}{newer}"))
    if not isinstance(kind, str) or kind not in KINDS:
        faults.append(Violation("$.kind", f"a kind is one of {', '.join(KINDS)}"))
    if faults:
        raise DocumentError(faults)
    fields = {name: value for name, value in document.items() if name not in ("wayhook", "kind")}
    value: Definition = _read(KINDS[str(kind)], fields, "$")
    faults = list(storing_violations(value, literal_secrets_allowed=literal_secrets_allowed))
    if faults:
        raise DocumentError(faults)
    return value


def _is_newer(version: object) -> bool:
    return isinstance(version, int) and version > FORMAT_VERSION


def _read(kind: type, value: Any, path: str) -> Any:
    try:
        return _converter().structure(value, kind)
    except cattrs.BaseValidationError as error:
        raise DocumentError(_faults(error, path)) from None
    except (DefinitionError, ExpressionError, _Fault) as error:
        raise DocumentError(_leaf_faults(error, path)) from None


class _Fault(Exception):  # noqa: N818 - inside of this module only
    """One thing wrong at the place that is being read: the message, and the rest of the path."""

    def violation(self, path: str) -> Violation:
        return Violation(path + self.args[1], self.args[0])


def _faults(error: BaseException, path: str) -> Iterator[Violation]:
    """The faults below a group, each with the path that the group's notes tell."""
    if not isinstance(error, cattrs.BaseValidationError):
        yield from _leaf_faults(error, path)
        return
    for below in error.exceptions:
        yield from _faults(below, path + _step(below))


def _step(error: BaseException) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, cattrs.AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, cattrs.IterableValidationNote):
            return f"[{note.index!r}]"
    return ""


def _leaf_faults(error: BaseException, path: str) -> Iterator[Violation]:
    match error:
        case _Fault():
            yield error.violation(path)
        case DefinitionError():
            for violation in error.violations:
                yield attrs.evolve(violation, path=path + violation.path.removeprefix("$"))
        case ExpressionError():
            where = f"line {error.line}, column {error.column}"
            yield Violation(path, f"the expression is wrong at {where}: {error.message}")
        case cattrs.ForbiddenExtraKeysError():
            known = [field.name for field in attrs.fields(error.cl) if field.init]
            for name in sorted(error.extra_fields):
                yield Violation(f"{path}.{name[:40]}", f"there is no such key; {_nearest(name, known)}")
        case KeyError():
            yield Violation(path, "this is missing; add it")
        case _:
            yield Violation(path, "this cannot be read; see the JSON Schema of the format")


def _nearest(name: str, known: list[str]) -> str:
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else f"there are {', '.join(known)}"


def _kind_of(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _parts(text: SecretText | Base64) -> list[Any]:
    return [part if isinstance(part, str) else _written(part) for part in text.parts]


def _variable(value: Variable) -> dict[str, Any]:
    optional = {"optional": True} if value.optional else {}
    sample = {} if value.sample is None else {"sample": _number(value.sample)}
    return {"variable": value.label, **optional, **sample}


def _number(value: Any) -> Any:
    """A constant, its digits as text where no double holds them."""
    return _written(value) if isinstance(value, Decimal) else value


def _base64(value: Base64) -> dict[str, Any]:
    spelling = {"spelling": value.spelling} if value.spelling != Base64().spelling else {}
    return {"base64": _parts(value), **spelling}


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Variable: _variable,
    SecretReference: lambda value: {"secret": value.source},
    LiteralSecret: lambda value: {"literal_secret": value.reveal()},
    SecretText: lambda value: {"secret_text": _parts(value)},
    Base64: _base64,
    Expression: lambda value: {
        "expression": value.text,
        **({"dialect": value.dialect} if value.dialect != "lenient" else {}),
    },
    Decimal: lambda value: {"decimal": str(value)},
}
_WORDS: dict[type, str] = {
    Variable: "variable",
    SecretReference: "secret",
    LiteralSecret: "literal_secret",
    SecretText: "secret_text",
    Expression: "expression",
}


def _decimal(text: str) -> Decimal:
    """A number whose digits no double holds, as its text."""
    if len(text) > MAX_DIGITS or not NUMBER.fullmatch(text):
        raise _Fault(f"a number such as 0.10 belongs here, of at most {MAX_DIGITS} signs", ".decimal")
    return Decimal(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "variable": Variable,
    "secret": secret,
    "literal_secret": literal_secret,
    "decimal": _decimal,
}
_MORE = {"variable": ("optional", "sample"), "base64": ("spelling",), "expression": ("dialect",)}
_PART_MARKS = frozenset({"secret", "literal_secret", "base64"})


def _written(value: Any) -> Any:
    """A value that may be marked: `{"secret": "env:NAME"}`; a literal object stands below `literal`."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Mapping) and holds_secrets(value):
        return {"object": {name: _written(below) for name, below in value.items()}}
    if isinstance(value, list) and holds_secrets(value):
        return {"array": [_written(below) for below in value]}
    return {"literal": value} if isinstance(value, Mapping) else value


def _marked(value: Any, kind: Any) -> Any:
    """Read a value of a union such as `str | Variable | SecretReference`, or of `Any` (expression or literal)."""
    if value is None and type(None) in get_args(kind):
        return None
    return _of_mark(value, _marks_of(kind))


def _of_mark(value: Any, marks: frozenset[str]) -> Any:
    if not isinstance(value, dict):
        if "literal" not in marks and not isinstance(value, str):
            forms = ", ".join(sorted(marks))
            raise _Fault(f"a string or an object with a key of {forms} belongs here, not {_kind_of(value)}", "")
        return _json(value)
    mark = next(iter(value), "")
    more = _MORE.get(mark, ())
    if mark not in marks or len(value) > 1 + len(more):
        raise _Fault(f"an object here has one key of {', '.join(sorted(marks))}", "")
    if set(value) - {mark, *more}:
        raise _Fault(f"beside {mark!r} there may be {' and '.join(map(repr, more))}", "")
    return _read_mark(mark, value, marks)


def _read_mark(mark: str, value: dict[str, Any], marks: frozenset[str]) -> Any:  # noqa: PLR0911 - one for each mark
    below = value[mark]
    match mark:
        case "literal":
            return _json(below)
        case "object" if isinstance(below, dict):
            return dict(
                zip(below, _each({f".object.{name}": item for name, item in below.items()}, marks), strict=True)
            )
        case "array" if isinstance(below, list):
            return _each({f".array[{i}]": item for i, item in enumerate(below)}, marks)
        case "secret_text" | "base64" if isinstance(below, list):
            allowed = _PART_MARKS if mark == "secret_text" else _PART_MARKS - {"base64"}
            parts = _each({f".{mark}[{i}]": item for i, item in enumerate(below)}, allowed)
            return SecretText(*parts) if mark == "secret_text" else _read_base64(parts, value)
        case "variable" if isinstance(below, str):
            return Variable(below, optional=value.get("optional", False), sample=_constant(value.get("sample")))
        case "expression" if isinstance(below, str):
            return Expression(below, **{name: more for name, more in value.items() if name != mark})
        case _ if isinstance(below, str) and mark in _READERS:
            return _READERS[mark](below)
    wanted = {"object": "an object", "array": "an array", "secret_text": "an array", "base64": "an array"}
    raise _Fault(f"{wanted.get(mark, 'a string')} belongs here, not {_kind_of(below)}", f".{mark}")


def _read_base64(parts: list[Any], value: dict[str, Any]) -> Base64:
    spelling = value.get("spelling", Base64().spelling)
    if spelling not in BASE64_SPELLINGS:
        raise _Fault(f"the function is spelled {' or '.join(BASE64_SPELLINGS)}", ".spelling")
    return Base64(*parts, spelling=spelling)


def _each(items: Mapping[str, Any], marks: frozenset[str]) -> list[Any]:
    """Read the items of a container, each by its step of the path; raises every fault of them at once."""
    found, faults = [], []
    for step, item in items.items():
        try:
            found.append(_of_mark(item, marks))
        except (_Fault, DefinitionError) as error:
            faults += list(_leaf_faults(error, f"${step}"))
    if faults:
        raise DefinitionError(faults)
    return found


def _constant(value: Any) -> Any:
    """The value of a message parameter: of JSON, or a decimal."""
    if isinstance(value, dict) and list(value) == ["decimal"]:
        return _read_mark("decimal", value, frozenset())
    return _json(value)


def _json(value: Any) -> Any:
    if (fault := json_fault(value)) is not None:
        raise _Fault(fault[1], fault[0])
    return value


@cache
def _marks_of(kind: Any) -> frozenset[str]:
    if kind is Any:
        return frozenset({"expression", "literal", "decimal"})
    marks = {_WORDS[part] for part in get_args(kind) if part in _WORDS}
    return frozenset(marks | ({"literal", "object", "array"} if _is_json(kind) else set()))


def _is_marked(kind: Any) -> bool:
    parts = [part for part in get_args(kind) if part is not type(None)]
    return get_origin(kind) in (Union, UnionType) and len(parts) > 1 and any(part in _WORDS for part in parts)


def _is_json(kind: Any) -> bool:
    """The union `Json`, told by the objects in it: a forward reference in it has more than one spelling."""
    return any(get_origin(part) is dict for part in get_args(kind))


def _is_pure_json(kind: Any) -> bool:
    return _is_json(kind) and not _is_marked(kind)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_set(kind: Any) -> bool:
    return get_origin(kind) is frozenset


def _is_pairs(kind: Any) -> bool:
    return _is_tuple(kind) and get_origin(get_args(kind)[0]) is tuple


def _is_word(kind: Any) -> bool:
    """An enumeration or a `Literal`: the class itself says which words it takes."""
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum))


def _is_authentication(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Authentication)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(omit_if_default=True, forbid_extra_keys=True)
    converter.register_unstructure_hook(str, str)  # a member of an enumeration is written as plain text
    read, write = converter.register_structure_hook_func, converter.register_unstructure_hook_func
    for scalar, word in (
        (str, "a string"),
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
    ):
        converter.register_structure_hook(scalar, _scalar_reader(scalar, word))
    converter.register_structure_hook_factory(attrs.has, lambda kind: _object_reader(kind, converter))
    read(_is_word, lambda value, _: value)
    read(_is_marked, _marked)
    read(_is_pure_json, lambda value, _: _constant(value))
    read(_is_tuple, lambda value, kind: _read_items(converter, value, kind))
    read(_is_pairs, lambda value, kind: _read_pairs(converter, value, kind))
    converter.register_structure_hook(datetime, _read_instant)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    read(lambda kind: kind == AnyActivity, lambda value, _: _read_activity(converter, value))
    read(lambda kind: kind is Authentication, lambda value, _: _read_authentication(converter, value))
    write(_is_marked, _written)
    write(_is_pure_json, _number)
    read(_is_set, lambda value, kind: _read_items(converter, value, kind))
    write(_is_set, sorted)
    write(_is_tuple, lambda items: [converter.unstructure(item) for item in items])
    write(_is_pairs, lambda pairs: {name: _written(value) for name, value in pairs})
    write(_is_authentication, lambda value: _write_authentication(converter, value))
    return converter


def _scalar_reader(scalar: type, word: str) -> Callable[[Any, Any], Any]:
    accepted = (int, float) if scalar is float else (scalar,)

    def read(value: Any, _: Any) -> Any:
        if type(value) not in accepted:
            raise _Fault(f"{word} belongs here, not {_kind_of(value)}", "")
        return value if scalar is bool or (scalar is str and value.isascii()) else _json(value)

    return read


def _object_reader(kind: type[Any], converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    read_fields = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _Fault(f"an object belongs here, not {_kind_of(value)}", "")
        return read_fields(value, kind)

    return read


def _read_items(converter: cattrs.Converter, value: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _Fault(f"an array belongs here, not {_kind_of(value)}", "")
    return tuple(converter.structure(value, GenericAlias(list, (get_args(kind)[0],))))  # type: ignore[arg-type]


def _read_pairs(converter: cattrs.Converter, value: Any, kind: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(value, dict):
        raise _Fault(f"an object belongs here, not {_kind_of(value)}", "")
    of = get_args(get_args(kind)[0])[1]
    pairs, faults = [], []
    for name, below in value.items():
        try:
            pairs.append((name, converter.structure(below, str) if of is str else _marked(below, of)))
        except (_Fault, DefinitionError, ExpressionError) as error:
            faults += list(_leaf_faults(error, f"$.{name}"))
    if faults:
        raise DocumentError(faults)
    return tuple(pairs)


def _read_instant(value: Any, _: Any) -> datetime:
    """A date and time as ISO text; the class itself asks for the offset."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _Fault("a date and time such as 2030-01-02T03:04:05Z belongs here", "") from None


def _read_activity(converter: cattrs.Converter, value: Any) -> Any:
    """One that uses an action, or, told by its `kind`, another one."""
    kind = Activity if isinstance(value, dict) and "kind" in value else ActionActivity
    return converter.structure(value, kind)


def _read_authentication(converter: cattrs.Converter, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _Fault(f"an object belongs here, not {_kind_of(value)}", "")
    kind = AUTHENTICATIONS.get(str(value.get("kind")))
    if kind is None:
        raise _Fault(f"a kind of authentication is one of {', '.join(AUTHENTICATIONS)}", ".kind")
    return converter.structure({name: below for name, below in value.items() if name != "kind"}, kind)


def _write_authentication(converter: cattrs.Converter, value: Authentication) -> dict[str, Any]:
    write = make_dict_unstructure_fn(type(value), converter, _cattrs_omit_if_default=True)
    return {"kind": value.kind, **write(value)}
