"""What a transport says of an exchange that failed, by what it proves (reliability section 4). Pure."""

from __future__ import annotations

import errno
import ssl

from wayhook.errors import Delivery, Evidence, TransportError

__all__ = ["broken", "crowded", "expired", "is_shortage", "malformed", "short", "unsendable"]

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


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


def crowded(what: str) -> TransportError:
    """Return the error for a deadline that passed before `what` was free: a shortage of this side (F12)."""
    message = f"the time was used up before {what} was free"
    return TransportError(message, Evidence.EXPIRED, delivery=Delivery.UNAVAILABLE, local=True)


def short() -> TransportError:
    """Return the error for a dial that did not come about; nothing is known of the other side."""
    return TransportError("this side is short of file descriptors, ports or memory", Evidence.NEVER_SENT, local=True)


def is_shortage(error: BaseException) -> bool:
    """Whether the error says that this side lacks a file descriptor, a port or memory (F12), and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_shortage(one) for one in error.exceptions)
    if isinstance(error, ssl.SSLError):  # it has numbers of its own
        return False
    return isinstance(error, OSError) and error.errno in _SHORTAGES
