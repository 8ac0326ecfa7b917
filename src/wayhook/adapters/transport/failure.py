"""What a transport says of an exchange that failed, by what it proves (reliability section 4). Pure."""

from __future__ import annotations

from wayhook.errors import Delivery, Evidence, TransportError

__all__ = ["broken", "expired", "malformed", "unsendable"]


def unsendable() -> TransportError:
    """Return the error for a request that is none."""
    return TransportError("the client cannot send this request", Evidence.REFUSED)


def broken() -> TransportError:
    """Return the error for a connection that ended before a head came."""
    return TransportError("the connection broke before an answer came", Evidence.AMBIGUOUS)


def malformed(message: str = "the answer is no HTTP") -> TransportError:
    """Return what is wrong with an answer that would be wrong again; the call may have been done all the same."""
    return TransportError(message, Evidence.PERMANENT, delivery=Delivery.UNKNOWN)


def expired(*, sent: bool) -> TransportError:
    """Return the error for a deadline that passed before a head came; `sent`: after a byte may have left."""
    message = "the time was used up before an answer came" if sent else "the time was used up before anything was sent"
    return TransportError(message, Evidence.EXPIRED, delivery=Delivery.UNKNOWN if sent else Delivery.UNAVAILABLE)
