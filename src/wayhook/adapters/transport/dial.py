"""From a host to a connection: its name resolved once, every address judged, one of these dialled (P38, P39, P42)."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, TypeVar

import attrs

from wayhook.adapters.transport.failure import is_shortage, short
from wayhook.adapters.transport.link import Link
from wayhook.errors import Delivery, Evidence, TransportError
from wayhook.model.address import Address, literal_address
from wayhook.wire import AddressPolicy

__all__ = ["CONNECT_SECONDS", "Destination", "Resolver", "alert", "not_tls"]

CONNECT_SECONDS = 1.0
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

L = TypeVar("L", bound=Link)
_Found = tuple[Address, ...] | TransportError


class Resolver:
    """Resolves names, each lookup in a thread of its own that keeps neither the loop nor the interpreter from ending.

    Who asks for a name while it is being looked up gets the same answer, unless that takes too long already.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[float, asyncio.Future[_Found]]] = {}

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """Return every address of `host`, A and AAAA; raises `TransportError`."""
        if (literal := literal_address(host)) is not None:
            return (literal,)
        found = await asyncio.shield(self._lookup(host))
        if isinstance(found, TransportError):
            raise TransportError(found.message, found.evidence, delivery=found.delivery, local=found.local)
        return found

    def _lookup(self, host: str) -> asyncio.Future[_Found]:
        loop = asyncio.get_running_loop()
        started, known = self._under_way.get(host, (0.0, None))
        if known is not None and loop.time() - started < CONNECT_SECONDS:
            return known
        future: asyncio.Future[_Found] = loop.create_future()
        self._under_way[host] = (loop.time(), future)

        def settle(found: _Found) -> None:
            if not future.done():
                future.set_result(found)
            if self._under_way.get(host, (0.0, None))[1] is future:
                del self._under_way[host]

        def look_up() -> None:
            found = _looked_up(host)
            with suppress(RuntimeError):  # the loop may have ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        try:
            threading.Thread(target=look_up, name="wayhook-resolver", daemon=True).start()
        except RuntimeError:  # no more threads, or no memory for one
            settle(short())
        return future


def _looked_up(host: str) -> _Found:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return _no_name() if error.errno in _NO_SUCH_NAME else _no_answer()
    except UnicodeError:
        return _no_name()
    except OSError as error:
        return short() if is_shortage(error) else _no_answer()
    return tuple(dict.fromkeys(_address(info) for info in found)) or _no_name()


def _address(info: tuple[Any, ...]) -> Address:
    return ip_address(info[4][0])


def _no_name() -> TransportError:
    return TransportError("the host name does not exist", Evidence.PERMANENT, delivery=Delivery.UNAVAILABLE)


def _no_answer() -> TransportError:
    return TransportError("the host name could not be resolved for now", Evidence.NEVER_SENT)


@attrs.frozen
class Destination:
    """Where a connection leads. `host`: as in the URL. `tls`: None for plain http. `network`: judges addresses."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    network: AddressPolicy | None = None

    async def addresses(self, resolver: Resolver) -> tuple[Address, ...]:
        """Return the addresses of the host, all of them allowed; raises `TransportError`."""
        found = await resolver.addresses(self.host)
        for address in found:
            self.require(address)
        return found

    def require(self, address: Address) -> None:
        """Raise `TransportError` unless `address` may be dialled."""
        refusal = self.network.address_refusal(self.host, self.port, address) if self.network is not None else ""
        if refusal:
            raise TransportError(refusal, Evidence.REFUSED)

    def is_open_to(self, network: AddressPolicy | None, link: Link) -> bool:
        """Whether what was dialled here leads where another request's policy allows, too (P39)."""
        if network is None or network is self.network:
            return True
        return not network.address_refusal(self.host, self.port, link.peer)

    async def dial(self, resolver: Resolver, make: Callable[[socket.socket], L]) -> L:
        """Return a connection that `make` makes of a socket, with TLS where the scheme asks for it.

        Takes a second at most, resolution and handshake included. No byte of a request has left. Raises
        `TransportError`.
        """
        ends = asyncio.get_running_loop().time() + CONNECT_SECONDS
        try:
            async with asyncio.timeout_at(ends):
                link = await self._connected(await self.addresses(resolver), ends, make)
                return link if self.tls is None else await self._secured(link, self.tls)
        except TimeoutError:
            raise _late() from None

    async def _connected(self, addresses: tuple[Address, ...], ends: float, make: Callable[[socket.socket], L]) -> L:
        """The first address that accepts; each has an equal share of the time that is left."""
        loop, failures = asyncio.get_running_loop(), []
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((ends - loop.time()) / left):
                    return await _opened(address, self.port, make)
            except TimeoutError:
                failures.append(_late())
            except OSError as error:
                failures.append(short() if is_shortage(error) else _unreachable())
        raise min(failures, key=lambda failure: failure.local, default=_no_name())

    async def _secured(self, link: L, context: ssl.SSLContext) -> L:
        secured = False
        try:
            await link.secure(context, self.host.strip("[]"))
            secured = True
        except ssl.SSLCertVerificationError:
            message = "the certificate of the host is not trusted"
            raise TransportError(message, Evidence.PERMANENT, delivery=Delivery.REJECTED) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
            message = "the connection broke during the handshake"
            raise TransportError(message, Evidence.NEVER_SENT) from None
        except ssl.SSLError as error:
            raise (alert(error) or not_tls()) from None
        finally:
            if not secured:
                link.abort()
        return link


async def _opened(address: Address, port: int, make: Callable[[socket.socket], L]) -> L:
    loop = asyncio.get_running_loop()
    opened = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)  # noqa: PLR2004
    try:
        opened.setblocking(False)
        await loop.sock_connect(opened, (str(address), port))
        if ip_address(opened.getpeername()[0]) != address:
            raise TransportError("another address answered than the one that was dialled", Evidence.REFUSED)
    except BaseException:
        opened.close()
        raise
    link = make(opened)
    await loop.create_connection(lambda: link, sock=opened)
    return link


def _unreachable() -> TransportError:
    return TransportError("the host cannot be connected to", Evidence.NEVER_SENT)


def _late() -> TransportError:
    return TransportError("the host did not accept the connection in time", Evidence.NEVER_SENT)


_ALERTS = (
    (
        ("ALERT_CERTIFICATE_REQUIRED",),
        "the host asks for a client certificate; give the action a MutualTlsAuthentication",
    ),
    (
        ("_CERTIFICATE]", "ALERT_CERTIFICATE_", "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED"),
        "the host does not accept the client certificate",
    ),
    (
        ("ALERT_HANDSHAKE_FAILURE",),
        "the host ended the TLS handshake: it asks for a client certificate, or speaks TLS of another kind",
    ),
)


def alert(error: BaseException) -> TransportError | None:
    """What the host said in the handshake, which it may still do when our side has ended: it has read nothing yet."""
    for words, message in _ALERTS if isinstance(error, ssl.SSLError) else ():
        if any(word in str(error) for word in words):
            return TransportError(message, Evidence.PERMANENT, delivery=Delivery.REJECTED)
    return None


def not_tls() -> TransportError:
    """A handshake that would fail the same way again."""
    return TransportError("the host does not speak TLS 1.2 or newer", Evidence.PERMANENT, delivery=Delivery.REJECTED)
