"""What goes over the wire and what comes of it: Call, Request, Response, Attempt, Outcome.

This module does no I/O. Everything but `Request` is safe to show, log, pickle and store. These values are made for each
call, and have no slots: attrs fills a frozen value three times as fast through its `__dict__`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, Protocol
from urllib.parse import quote

import attrs

from wayhook.errors import (
    ConnectionFailed,
    Delivery,
    Evidence,
    ExecutionError,
    Rejected,
    TimedOut,
    WayhookError,
    delivery_of,
)
from wayhook.presentation import Presentable
from wayhook.secret import ClientCertificate, Credential, Revealed, Unknown

__all__ = [
    "NOT_MADE",
    "AddressPolicy",
    "Attempt",
    "Call",
    "Explanation",
    "Headers",
    "Mask",
    "Origin",
    "Outcome",
    "Request",
    "Response",
    "delivery_id_fault",
    "last_word",
]

Headers = tuple[tuple[str, str], ...]
_GONE = 410
MAX_DELIVERY_ID = 255
_DELIVERY_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_DELIVERY_ID}}}")


class AddressPolicy(Protocol):
    """Decides which addresses a request may go to; `NetworkPolicy` is one."""

    def address_refusal(self, host: str, port: int, address: IPv4Address | IPv6Address) -> str:
        """Return why `address`, which `host` was resolved to, may not be dialled, or `""`.

        `host`: as it stands in the URL. The sentence holds neither host nor address.
        """
        ...


class Mask(Protocol):
    """Shows a request, and what came of it, without the secrets in them; made by who knows these."""

    @property
    def call(self) -> Call:
        """The request, with the label of each secret in its place."""
        ...

    def response(self, response: Response) -> Response:
        """Return an answer as it may be shown and kept."""
        ...

    def text(self, text: str) -> str:
        """Return a text that may repeat a secret, such as why no answer came, without it."""
        ...


def _destination(url: str) -> str:
    return "/".join(url.partition("?")[0].split("/", 3)[:3])


@attrs.frozen(slots=False)
class Request:
    """The exact bytes of a call with its secrets in place: for a transport, and nobody else.

    `url`: ASCII, already encoded. `headers`: in order, without Host, Content-Length and connection headers,
    which belong to the transport. `body`: None sends no body. `identity`: the certificate chain and private key, in
    PEM form, to show when the receiver asks for a client certificate. `network`: asked about every address that the
    host leads to, before one of them is dialled (P38, P39); None asks nobody. `fresh`: travel only over a connection
    that is new or known to be alive (P20), as what must not be sent twice does. `mask`: how it may be shown or kept;
    None where it holds no secret.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None
    identity: tuple[str, str] | None = attrs.field(default=None, repr=False)
    network: AddressPolicy | None = None
    fresh: bool = False
    mask: Mask | None = attrs.field(default=None, repr=False, eq=False)

    def __repr__(self) -> str:
        return f"<Request {self.method} {_destination(self.url)}>"  # a path may end with a secret, as a query may


@attrs.frozen
class Origin:
    """Where one value of a call came from.

    `part`: url, path, header, query or payload; `name`: of the header, of the query parameter, or the dotted path of
    the message parameter. `source`: `constant` of the action; `default`, what every action has unless it says
    otherwise; `variable`, a value that was given; `expression`, what an expression found; `secret` and `delivery id`,
    put in when the call is sent. `text`: what stands in the call, a secret masked, the beginning of a long one; None
    where it was left out. `label`: of the variable. `expression`: its text. `defaults`: the fields that were absent,
    for which the expression took its default.
    """

    part: Literal["url", "path", "header", "query", "payload"]
    name: str
    source: Literal["constant", "default", "variable", "expression", "secret", "delivery id"]
    text: str | None
    label: str = ""
    expression: str = ""
    defaults: tuple[str, ...] = ()


@attrs.frozen
class Explanation:
    """What a preview tells beside the call: `origins` of its values, and how an executor would repeat it.

    `more`: how many origins are not told, where there are very many. `repetition`: the `Repetition` of the edition.
    `timeout`: seconds for the call and its repeats together.
    """

    origins: tuple[Origin, ...]
    more: int
    repetition: str
    timeout: float


@attrs.frozen(repr=False, slots=False)
class Call(Presentable):
    """The rendered request with its secrets left as references: what a preview shows.

    `request(texts)` puts the secrets in and changes nothing else, so the bytes shown are the bytes sent.
    """

    action: str
    method: str
    url: str
    headers: Headers
    body: bytes | None = None
    credentials: tuple[Credential, ...] = ()
    identity: ClientCertificate | None = None
    _explain: Callable[[Call], Explanation] | None = attrs.field(default=None, eq=False)

    @property
    def explanation(self) -> Explanation | None:
        """Where its values came from, made when it is asked for; None of a call that is no preview, or was pickled."""
        return None if self._explain is None else self._explain(self)

    @property
    def secrets(self) -> tuple[Unknown, ...]:
        """What must be looked up before the call can be sent."""
        of_identity = self.identity.secrets if self.identity else ()
        return (*(secret for credential in self.credentials for secret in credential.text.secrets), *of_identity)

    @property
    def destination(self) -> str:
        """Scheme, host and port: no part of the path or the query."""
        return _destination(self.url)

    def request(
        self,
        texts: Revealed,
        *,
        network: AddressPolicy | None = None,
        fresh: bool = False,
        mask: Mask | None = None,
    ) -> Request:
        """Return what goes on the wire; `texts` holds the text of every one of `secrets`, the rest as in `Request`."""
        url, headers = self.url, self.headers
        for credential in self.credentials:
            value = credential.text.reveal(texts)
            if credential.location == "header":
                headers = (*headers, (credential.name, value.strip(" \t")))
            else:
                url = _with_credential(url, credential, value, quote)
        identity = self.identity.reveal(texts) if self.identity else None
        return Request(self.method, url, headers, self.body, identity, network, fresh, mask)

    @property
    def masked_url(self) -> str:
        """The URL with the label of each secret in its place."""
        url = self.url
        for credential in self.credentials:
            if credential.location != "header":
                url = _with_credential(url, credential, credential.text.masked, lambda text, safe: text)  # noqa: ARG005
        return url

    @property
    def masked_headers(self) -> Headers:
        """The headers with the label of each secret in its place."""
        secret = tuple((c.name, c.text.masked) for c in self.credentials if c.location == "header")
        return self.headers + secret

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_explain": None}  # it knows the action and the data, which stay where they are

    def __repr__(self) -> str:
        body = "no body" if self.body is None else f"{len(self.body)} bytes"
        return f"<Call {self.action}: {self.method} {self.masked_url}, {body}>"

    def __str__(self) -> str:
        head = [f"{self.method} {self.masked_url}"]
        head += [f"{name}: {value}" for name, value in self.masked_headers]
        head += ["(with a client certificate)"] if self.identity else []
        return "\n".join(head) + ("" if self.body is None else "\n\n" + self.body.decode())


def _with_credential(url: str, credential: Credential, value: str, encode: Callable[..., str]) -> str:
    """The URL with a secret at the end of its path or of its query."""
    if credential.location == "path":
        path, sign, query = url.partition("?")
        return f"{path.removesuffix('/')}/{encode(value.removeprefix('/'), safe='/-._~!$&()*+,;=:@')}{sign}{query}"
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}{quote(credential.name, safe='')}={encode(value, safe='')}"


@attrs.frozen(repr=False, slots=False)
class Response(Presentable):
    """An answer whose final head arrived.

    `headers`: names in lower case, in order of arrival. `body`: at most the transport's limit.
    `fault`: why the body cannot be used (cut, too large, too late), or `""`; the status stands all the same.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    fault: str = ""

    def header(self, name: str) -> str | None:
        """Return the first value of the header `name`, compared without case, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def text(self) -> str:
        """The body as UTF-8 text, with a mark in place of bytes that are none."""
        return self.body.decode(errors="replace")

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx (R189)."""
        return 200 <= self.status < 300  # noqa: PLR2004

    def __repr__(self) -> str:
        fault = f", {self.fault}" if self.fault else ""
        return f"<Response {self.status}, {len(self.body)} bytes{fault}>"


@attrs.frozen(slots=False)
class Attempt(Presentable):
    """One try on the wire, or one that did not get that far.

    `number`: from 1. `evidence`: what it proves; `delivery`: the word for it. `status`: of the answer, or None when no
    head came. `failure`: why no head came, or why a redirect was not followed, in words, or `""`.
    `started`, `elapsed`: seconds since the execution began, and seconds that the attempt took. `local`: whether a
    shortage of our own ended it, which says nothing of the destination (F12).
    """

    number: int
    evidence: Evidence
    status: int | None
    failure: str
    started: float
    elapsed: float
    delivery: Delivery = attrs.field(default=attrs.Factory(lambda self: delivery_of(self.evidence), takes_self=True))
    local: bool = False


OutcomeStatus = str
"""`http_<code>`, `timedout`, `capped` or `internalError` (R184 to R188), or one of `NOT_MADE`."""

NOT_MADE = ("dryRun", "excluded", "held", "discarded")
"""The statuses of a call that was left out on purpose: by a dry run (R230), by consent (R229), by a pause that holds
or discards the individual or by a stopped journey, which discards everybody (R231, R291)."""


@attrs.frozen(repr=False, slots=False)
class Outcome(Presentable):
    """The end of one execution; a value, whatever happened.

    `status`: `http_<code>` of the last answer, `timedout`, `capped` or `internalError` (R184 to R188); or why no call
    was made, on purpose: `dryRun` (R230), `excluded` by consent (R229), `held` or `discarded` (R231).
    `delivery`: the last word about the call, that of its strongest attempt: once it may have been done, a later attempt
    that failed does not take that back. `not_before`: when the other side will be ready, where it named a time or
    is given time, and the call ended before. `delivery_id`: of this execution; it travels in the header that the action
    names. What `received` repeats of the call's secrets is masked.
    `call`: what was sent, masked; None when it could not be rendered.
    `attempts`: every try of the action's own call. `elapsed`: seconds from start to end, waits included.
    `received`: the last answer, or None. `response`: the declared fields of the answer (R180), of the failure
    payload when the call failed (R182), or None where nothing is declared or readable.
    `response_faults`: why declared fields could not be read, each with its path.
    `cause`: the error that kept the call from being sent or answered, or a redirect from being followed, or None.
    `index`: the place of the context in its batch, from 0; None outside of a batch.
    `uid`: of the action's record in the repository. `parameterized`: whether the action has variables.
    `queued`: seconds that the call waited for a place below a throttling rule (R236).
    `alternative_path`: whether the activity has one. `timeout`: seconds that the call and its repeats had together,
    beside the time in a queue; 0 where nobody set them.
    """

    action: str
    status: OutcomeStatus
    call: Call | None = None
    attempts: tuple[Attempt, ...] = ()
    elapsed: float = 0.0
    received: Response | None = None
    response: Any = None
    response_faults: tuple[str, ...] = ()
    cause: WayhookError | None = None
    journey: str | None = None
    label: str | None = None
    index: int | None = None
    queued: float = 0.0
    uid: str = ""
    parameterized: bool = False
    finished: datetime | None = None
    alternative_path: bool = False
    delivery: Delivery = Delivery.REFUSED
    not_before: datetime | None = None
    delivery_id: str = ""
    timeout: float = 0.0

    @property
    def path(self) -> Literal["main", "alternative", "end"] | None:
        """Where the individual goes on in the journey (R226 to R231): the `main` path after a success, and where a call
        was left out by a dry run or by consent; after anything else the `alternative` path, or the `end` where the
        activity has none. None where it stays: held, or in no journey."""  # noqa: D205, D209 - one list
        if self.journey is None or self.status == "held":
            return None
        if self.succeeded or self.status in ("dryRun", "excluded"):
            return "main"
        return "alternative" if self.alternative_path and self.status != "discarded" else "end"

    @property
    def succeeded(self) -> bool:
        """Whether the last answer was a 2xx (R189), with a usable token in it where a token was asked for (R126)."""
        return self.cause is None and self.received is not None and self.received.succeeded

    @property
    def gone(self) -> bool:
        """Whether the last answer was 410: what was called is gone for good, and should not be called again (F47)."""
        return self.received is not None and self.received.status == _GONE

    @property
    def retries(self) -> int:
        """How many attempts were made after the first."""
        return max(0, len(self.attempts) - 1)

    def step_event(self) -> dict[str, Any]:
        """Return the fields that the product reports of an action call (R232 to R236), by its own names."""
        from wayhook.step import step_event

        return step_event(self)

    def raise_for_error(self) -> Outcome:
        """Return the outcome itself if the call succeeded or was left out on purpose; raise the narrowest error of the
        tree otherwise."""  # noqa: D205, D209 - one sentence
        if self.succeeded or self.status in NOT_MADE:
            return self
        if isinstance(self.cause, ExecutionError):
            raise self.cause.with_outcome(self)
        if self.cause is not None:
            raise self.cause
        if self.received is not None:
            raise Rejected(str(self), self)
        raise (TimedOut if self.status == "timedout" else ConnectionFailed)(str(self), self)

    def __str__(self) -> str:
        tries = f"{len(self.attempts)} attempt{'' if len(self.attempts) == 1 else 's'}"
        reason = f": {self.cause}" if self.cause is not None else ""
        return f"{self.action} {self.status} after {tries} in {self.elapsed:.3f} s{reason}"

    def __repr__(self) -> str:
        return f"<Outcome {self}>"


def last_word(attempts: Sequence[Attempt], ended: Delivery = Delivery.REFUSED) -> Delivery:
    """Return the word of the strongest attempt: delivered, then unknown, then the last (P1, P3).

    `ended`: what kept a further attempt from being made. Our own refusal says nothing where an attempt was made.
    """
    if len(attempts) == 1 and ended is Delivery.REFUSED:
        return attempts[0].delivery
    words = [attempt.delivery for attempt in attempts]
    if not words or ended is not Delivery.REFUSED:
        words.append(ended)
    return next((word for word in _STRONG if word in words), words[-1])


_STRONG = (Delivery.DELIVERED, Delivery.DELIVERED_UNREAD, Delivery.UNKNOWN)


def delivery_id_fault(given: object) -> str:
    """Return what is wrong with an identifier that was given, or ""."""
    if isinstance(given, str) and _DELIVERY_ID.fullmatch(given):
        return ""
    return "a delivery id is 1 to 255 visible ASCII characters, such as the delivery_id of an outcome"
