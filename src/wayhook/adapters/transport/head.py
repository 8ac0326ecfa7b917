"""The head of an answer: how large it may be, and what it says of its connection. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wayhook.adapters.transport.failure import malformed
from wayhook.wire import Headers

__all__ = ["FIELD_LIMIT", "HEAD_LIMIT", "INTERIM_LIMIT", "WITHOUT_BODY", "ends_connection", "require_bounded"]

HEAD_LIMIT = 65_536
FIELD_LIMIT = 1_000
INTERIM_LIMIT = 1_048_576
WITHOUT_BODY = frozenset({204, 304})
_ELSEWHERE = frozenset({408, 421})


def require_bounded(status: int, headers: Headers) -> None:
    """Raise `TransportError` for a head that is no final one, or larger than its limits."""
    if status < 200:  # noqa: PLR2004
        raise malformed("the host switched to a protocol that nobody asked for")
    if len(headers) > FIELD_LIMIT:
        raise malformed(f"the answer has more than {FIELD_LIMIT:,} header fields")
    if sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_LIMIT:
        raise malformed(f"the head of the answer is larger than {HEAD_LIMIT:,} bytes")


def ends_connection(status: int, named: Mapping[str, str]) -> bool:
    """Whether the connection serves no other request, whatever the framing allows; `named`: the header fields.

    An answer that is framed in two ways at once (RFC 9112 6.3) is in doubt, and so is one that announces a body where
    none is read (P19): a 304 may name the length of what is not sent, but not everybody leaves it unsent. 408 and 421
    ask for another connection (RFC 9110 15.5.9, 15.5.20).
    """
    if status in WITHOUT_BODY:
        return "transfer-encoding" in named or named.get("content-length", "0").strip() != "0"
    return status in _ELSEWHERE or ("transfer-encoding" in named and "content-length" in named)
