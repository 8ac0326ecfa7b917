"""The file of a cassette: requests and what came of them, masked, as JSON that people read and compare. No I/O.

`{"wayhook": 1, "kind": "cassette", "exchanges": […]}`. A body of JSON stands there as `json`, another one as `text`, or
as `base64` where it is none. An exchange has an `answer`, or a `failure` with the evidence of what can have happened.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from wayhook.errors import DefinitionError, Delivery, DocumentError, Evidence, TransportError, Violation, closest
from wayhook.formats.document import FORMAT_VERSION
from wayhook.jsonvalue import MAX_DEPTH, SHOWN, is_unicode, parse_exact_json, parse_json
from wayhook.wire import Headers, Response

__all__ = ["Exchange", "dump_exchanges", "load_exchanges", "written_body"]

KIND = "cassette"
MAX_SIZE = 64 * 1024 * 1024
MAX_FAULTS = 100
_BODY = ("json", "text", "base64")
_STATUSES = range(100, 1000)
_TOLD: Any = object()
"""In the place of what is missed, or below what is wrong: nothing more is said of it."""
_Word = TypeVar("_Word", Evidence, Delivery)


@attrs.frozen(repr=False)
class Exchange:
    """One request and what came of it, as a cassette keeps them: without secrets.

    `headers`: in order, with the label of each secret in its place. `body`: None where none was sent. `answer`: the
    response, or the error of a request without one.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None
    answer: Response | TransportError = attrs.field(
        eq=lambda answer: answer if isinstance(answer, Response) else answer.args
    )

    def __str__(self) -> str:
        told = self.answer.status if isinstance(self.answer, Response) else self.answer.evidence
        return f"{self.method} {self.url} -> {told}"

    def __repr__(self) -> str:
        return f"<Exchange {self}>"


def dump_exchanges(exchanges: Iterable[Exchange]) -> str:
    """Return the text of the file."""
    written = [_written(exchange) for exchange in exchanges]
    document = {"wayhook": FORMAT_VERSION, "kind": KIND, "exchanges": written}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _written(exchange: Exchange) -> dict[str, Any]:
    request = {"method": exchange.method, "url": exchange.url, "headers": _grouped(exchange.headers)}
    request |= {} if exchange.body is None else written_body(exchange.body)
    match exchange.answer:
        case Response() as answer:
            fault = {"fault": answer.fault} if answer.fault else {}
            body = written_body(answer.body) if answer.body else {}
            return {
                "request": request,
                "answer": {"status": answer.status, "headers": _grouped(answer.headers), **body, **fault},
            }
        case TransportError() as error:
            told = {"message": error.message, "evidence": str(error.evidence), "delivery": str(error.delivery)}
            return {"request": request, "failure": told | ({"local": True} if error.local else {})}


def _grouped(headers: Headers) -> dict[str, str | list[str]]:
    """Headers by name; the values of one that stands there several times in a list."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def written_body(body: bytes) -> dict[str, Any]:
    """Return a body as it stands in the file: as JSON only where no digit and no sign of it is lost."""
    try:
        value = parse_exact_json(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (DefinitionError, TypeError, UnicodeEncodeError):
        pass
    else:
        return {"json": value}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}


def load_exchanges(text: bytes) -> tuple[Exchange, ...]:
    """Read the text of the file; raises `DocumentError` with every fault and its path."""
    if len(text) > MAX_SIZE:
        raise DocumentError([Violation("$", f"a cassette has at most {MAX_SIZE:,} bytes, not {len(text):,}")])
    try:
        document = parse_json(text, depth=MAX_DEPTH + 5)  # a body stands five levels below
    except DefinitionError as error:
        raise DocumentError(error.violations) from None
    reading = _Reading()
    found = tuple(reading.exchanges(document))
    if reading.faults:
        raise DocumentError(reading.faults.values())
    return found


@attrs.define
class _Reading:
    """Reads a document, and collects everything that is wrong with it, by its path."""

    faults: dict[str, Violation] = attrs.Factory(dict)

    def exchanges(self, document: Any) -> Iterator[Exchange]:
        fields = self.object(document, "$", ("wayhook", "kind", "exchanges"))
        version, kind, exchanges = fields.values()
        if version is not _TOLD and (type(version) is not int or version != FORMAT_VERSION):
            newer = "; it was written by a newer wayhook" if _is_newer(version) else ""
            self.fault("$.wayhook", f"the format version is {FORMAT_VERSION}{newer}")
        if kind not in (KIND, _TOLD):
            self.fault("$.kind", f"the kind is {KIND!r}")
        if not isinstance(exchanges, list):
            if exchanges is not _TOLD:
                self.fault("$.exchanges", "an array belongs here")
            return
        for i, exchange in enumerate(exchanges):
            if len(self.faults) >= MAX_FAULTS:
                return
            yield self.exchange(exchange, f"$.exchanges[{i}]")

    def exchange(self, given: Any, path: str) -> Exchange:
        fields = self.object(given, path, ("request",), ("answer", "failure"))
        here = self.object(fields["request"], f"{path}.request", ("method", "url"), ("headers", *_BODY))
        if ("answer" in fields) == ("failure" in fields):
            self.fault(path, "an exchange has an answer, or a failure")
        came = self.failure(fields["failure"], f"{path}.failure") if "failure" in fields else None
        return Exchange(
            self.text(here["method"], f"{path}.request.method"),
            self.text(here["url"], f"{path}.request.url"),
            self.headers(here.get("headers", {}), f"{path}.request.headers"),
            self.body(here, f"{path}.request"),
            came or self.answer(fields.get("answer", _TOLD), f"{path}.answer"),
        )

    def answer(self, given: Any, path: str) -> Response:
        fields = self.object(given, path, ("status",), ("headers", "fault", *_BODY))
        status = fields["status"]
        if status is not _TOLD and (type(status) is not int or status not in _STATUSES):
            self.fault(f"{path}.status", "a status is a number of three digits")
        fault = self.text(fields.get("fault", ""), f"{path}.fault")
        headers = self.headers(fields.get("headers", {}), f"{path}.headers")
        return Response(status, headers, self.body(fields, path) or b"", fault)

    def failure(self, given: Any, path: str) -> TransportError:
        fields = self.object(given, path, ("message", "evidence"), ("delivery", "local"))
        local = fields.get("local", False)
        if not isinstance(local, bool):
            self.fault(f"{path}.local", "true or false belongs here")
        evidence = self.word(Evidence, fields["evidence"], f"{path}.evidence")
        delivery = self.word(Delivery, fields["delivery"], f"{path}.delivery") if "delivery" in fields else None
        message = self.text(fields["message"], f"{path}.message")
        return TransportError(message, evidence, delivery, local=local is True)

    def body(self, fields: Mapping[str, Any], path: str) -> bytes | None:
        found = [name for name in _BODY if name in fields]
        if len(found) > 1:
            self.fault(path, f"a body is one of {', '.join(_BODY)}")
        match found:
            case ["json", *_]:
                return self.text(_compact(fields["json"]), f"{path}.json").encode()
            case ["text"]:
                return self.text(fields["text"], f"{path}.text").encode()
            case ["base64"]:
                try:
                    return b64decode(self.text(fields["base64"], f"{path}.base64"), validate=True)
                except (Base64Error, ValueError):
                    self.fault(f"{path}.base64", "Base64 belongs here")
        return None

    def headers(self, given: Any, path: str) -> Headers:
        if not isinstance(given, dict):
            self.fault(path, "an object of names and values belongs here")
            return ()
        pairs = [(name, value) for name, values in given.items() for value in self.values(values)]
        return tuple((name, self.text(value, f"{path}.{name[:SHOWN]}")) for name, value in pairs)

    def values(self, given: Any) -> list[Any]:
        return given if isinstance(given, list) else [given]

    def word(self, kind: type[_Word], given: Any, path: str) -> _Word:
        words = list(kind)
        if given in words:
            return kind(given)
        if given is not _TOLD:
            self.fault(path, f"one of {', '.join(words)} belongs here")
        return words[0]

    def text(self, given: Any, path: str) -> str:
        if isinstance(given, str) and is_unicode(given):
            return given
        if given is not _TOLD:
            self.fault(path, "a text belongs here, of Unicode characters")
        return ""

    def object(self, given: Any, path: str, required: tuple[str, ...], more: tuple[str, ...] = ()) -> dict[str, Any]:
        """The fields of an object, the required ones first; `_TOLD` in the place of those that are missed."""
        if not isinstance(given, dict):
            if given is not _TOLD:
                self.fault(path, "an object belongs here")
            return dict.fromkeys(required, _TOLD)
        known = (*required, *more)
        for name in given.keys() - {*known}:
            close = closest(name, known)
            hint = f"did you mean {close!r}?" if close else f"there are {', '.join(known)}"
            self.fault(f"{path}.{name[:SHOWN]}", f"there is no such key; {hint}")
        for name in required:
            if name not in given:
                self.fault(f"{path}.{name}", "this is missing; add it")
        return {name: given.get(name, _TOLD) for name in (*required, *(each for each in more if each in given))}

    def fault(self, path: str, message: str) -> None:
        """Tell what is wrong, once for each path."""
        self.faults.setdefault(path, Violation(path, message))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_newer(version: object) -> bool:
    return isinstance(version, int) and version > FORMAT_VERSION
