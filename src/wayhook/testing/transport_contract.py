"""The contract of a transport, as tests against a server that fails in every way. Subclass it; every test must pass.

    class TestMine(TransportContract):
        @pytest.fixture
        async def transport(self, authorities):
            transport = MyTransport(trusting=authorities)
            yield transport
            await transport.aclose()

Needs pytest, pytest-asyncio (or another plug-in that runs async tests), and trustme for what concerns TLS.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import ClassVar

import attrs
import pytest

from wayhook.errors import Evidence, TransportError
from wayhook.execution.ports import Transport
from wayhook.model.guardrail import NetworkPolicy
from wayhook.testing.fault import FAULTS, Fault, answer
from wayhook.testing.fault_server import CLEAN, OK, FaultServer, Visit, authority, certified
from wayhook.wire import Request, Response

__all__ = ["TransportContract"]

_PROOF = {"N": Evidence.NEVER_SENT, "A": Evidence.AMBIGUOUS, "P": Evidence.PERMANENT, "X": Evidence.EXPIRED}
_PLACES = {"handshake": "F10", "head": "F18", "dribbling head": "F19", "body": "F31b"}
_OVERRUN = 0.25
_SMALL, _LARGE = b'{"a":1}', b"x" * 1_000_000


def _now() -> float:
    return asyncio.get_running_loop().time()


def _request(server: FaultServer, method: str = "POST", body: bytes = _SMALL) -> Request:
    """A request as an executor sends it: what must not be sent twice asks for a fresh connection."""
    network = NetworkPolicy(loopback=True)
    return Request(method, f"{server.url}/v1", (("X-Test", "1"),), body, network=network, fresh=method == "POST")


@contextmanager
def _no_file_descriptors() -> Iterator[None]:
    """Use up the file descriptors of this process."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _sent(transport: Transport, request: Request, seconds: float = 5.0) -> Response | TransportError:
    try:
        return await transport.send(request, _now() + seconds)
    except TransportError as error:
        return error


async def _next(transport: Transport, server: FaultServer, fault: Fault, method: str) -> Response | TransportError:
    """What the next call gets, when the fault has passed."""
    await server.heal()
    await asyncio.sleep(0.02)  # for what is under way to arrive
    found = await _sent(transport, _request(server, method))
    if fault.after == "race" and isinstance(found, TransportError):
        assert found.evidence is Evidence.AMBIGUOUS
        found = await _sent(transport, _request(server, method))
    return found


class TransportContract:
    """What every transport keeps, whatever it sends with; see `wayhook.Transport`.

    `unmet`: faults, by their number in the matrix, that a transport cannot meet, each with the reason; their tests are
    expected to fail.
    """

    unmet: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def authorities(self) -> str:
        """Return the certificate of the authority that the servers of these tests have theirs from, in PEM form."""
        pytest.importorskip("trustme")
        pem: str = authority().cert_pem.bytes().decode()
        return pem

    @pytest.fixture
    async def transport(self, authorities: str) -> Transport:
        """Return an open transport that trusts `authorities` too, and close it; override this one fixture."""
        raise NotImplementedError("override the fixture 'transport'")

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
    async def test_a_fault_is_told_by_what_it_proves(
        self, transport: Transport, fault: Fault, method: str, request: pytest.FixtureRequest
    ) -> None:
        """One request goes out, the answer or the evidence is the right one and in time, the next call is clean, and
        nothing stays open."""  # noqa: D205, D209 - one sentence
        if fault.id in self.unmet:
            request.applymarker(pytest.mark.xfail(reason=self.unmet[fault.id], strict=False))
        async with fault.server() as server:
            started = _now()
            body = _LARGE if fault.large else _SMALL
            found = await _sent(transport, _request(server, method, body), fault.deadline)
            took = _now() - started
            counted = len(server.requests)
            after = await _next(transport, server, fault, method)
            await transport.aclose()
            await server.nothing_open()

        if fault.status is None:
            assert isinstance(found, TransportError)
            if not (fault.may_be_unsent and found.evidence is Evidence.NEVER_SENT):
                assert (found.evidence, found.delivery) == (_PROOF[fault.proves], fault.delivery)
        else:
            assert isinstance(found, Response)
            assert (found.status, bool(found.fault)) == (fault.status, fault.unread)
        assert took < fault.deadline + _OVERRUN
        assert counted == 1 or fault.requests is None
        assert isinstance(after, Response)
        assert (after.status, after.body, after.fault) == (200, CLEAN, "")
        assert not any(b"\r\ncookie:" in head.lower() for head in server.requests)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_a_request_goes_out_as_it_is(self, transport: Transport, scheme: str) -> None:
        """Target, headers and body arrive as given, over TLS too; nothing is encoded twice or normalised away."""
        arrived: list[bytes] = []

        async def keeps(visit: Visit) -> None:
            if scheme == "https":
                await visit.secure(certified("good"))
            arrived.append(await visit.request())
            await visit.say(OK)

        async with FaultServer(keeps, scheme=scheme) as server:
            request = Request("PUT", f"{server.url}/a%2Fb/..%2F;x?q=%20&r=a+b", (("X-A", "1"), ("X-B", "b c")), b"{}")
            found = await _sent(transport, request)

        head, _, body = arrived[0].partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        assert isinstance(found, Response)
        assert (found.status, found.body, body) == (200, CLEAN, b"{}")
        assert line == "PUT /a%2Fb/..%2F;x?q=%20&r=a+b HTTP/1.1"
        named = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        assert {"x-a": "1", "x-b": "b c", "content-length": "2"}.items() <= named.items()
        assert named["host"] == server.url.partition("://")[2]
        assert {"cookie", "transfer-encoding", "expect", "authorization"}.isdisjoint(named)

    async def test_an_address_that_is_not_allowed_is_not_dialled(self, transport: Transport) -> None:
        """The policy of the request is asked about the address, and no socket is opened when it says no."""
        async with FaultServer(Visit.serve) as server:
            found = await _sent(transport, attrs.evolve(_request(server), network=NetworkPolicy()))

        assert isinstance(found, TransportError)
        assert (found.evidence, found.delivery) == (Evidence.REFUSED, "refused")
        assert server.connections == 0

    async def test_a_connection_serves_again(self, transport: Transport) -> None:
        """Calls one after the other share a connection, fresh ones too as long as it is known to be alive."""
        async with FaultServer(Visit.serve) as server:
            for method in ("PUT", "POST", "POST", "PUT"):
                await _sent(transport, _request(server, method))

        assert server.connections == 1

    @pytest.mark.parametrize("status", [408, 421])
    async def test_a_connection_that_was_the_wrong_one_serves_no_more(self, transport: Transport, status: int) -> None:
        """An answer of 408 or 421 ends its connection: the repeat goes out on another (F45, F49)."""

        async def refuses_the_first(visit: Visit) -> None:
            await visit.request()
            await visit.say(answer(status) if len(visit.server.requests) == 1 else OK)
            await visit.serve()

        async with FaultServer(refuses_the_first) as server:
            found = [await _sent(transport, _request(server, method)) for method in ("POST", "POST", "PUT")]

        assert [response.status for response in found if isinstance(response, Response)] == [status, 200, 200]
        assert server.connections == 2

    @pytest.mark.parametrize("head", [b"204 None", b"204 None\r\nContent-Length: 0", b"304 Same"], ids=bytes.decode)
    async def test_a_connection_serves_again_where_no_body_is_announced(
        self, transport: Transport, head: bytes
    ) -> None:
        """An answer that has no body, and announces none, leaves its connection as good as before (P19)."""

        async def says_nothing(visit: Visit) -> None:
            while True:
                await visit.request()
                await visit.say(b"HTTP/1.1 " + head + b"\r\n\r\n")

        async with FaultServer(says_nothing) as server:
            for _ in range(3):
                await _sent(transport, _request(server))

        assert (len(server.requests), server.connections) == (3, 1)

    async def test_the_environment_is_not_asked(self, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
        """Variables for proxies, certificates and passwords have no effect."""
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"):
            monkeypatch.setenv(name, "/nowhere")

        async with FaultServer(Visit.serve) as server:
            found = await _sent(transport, _request(server))

        assert isinstance(found, Response)
        assert found.status == 200

    async def test_a_shortage_of_file_descriptors_is_our_own(self, transport: Transport) -> None:
        """Where no socket can be opened nothing was sent, and the error says that it is our own shortage (F12)."""
        async with FaultServer(Visit.serve) as other, FaultServer(Visit.serve) as server:
            await _sent(transport, _request(other))  # so that everything is loaded
            with _no_file_descriptors():
                found = await _sent(transport, _request(server))
            after = await _sent(transport, _request(server))

        assert isinstance(found, TransportError)
        assert (found.evidence, found.delivery, found.local) == (Evidence.NEVER_SENT, "unavailable", True)
        assert isinstance(after, Response)
        assert server.connections == 1

    async def test_a_connection_refused_is_not_our_own(self, transport: Transport) -> None:
        """A destination that is not there is to blame for it."""
        async with FAULTS["F01"].server() as server:
            found = await _sent(transport, _request(server))

        assert isinstance(found, TransportError)
        assert (found.evidence, found.local) == (Evidence.NEVER_SENT, False)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_calls_cancelled_at_any_moment_leave_nothing(self, transport: Transport, scheme: str) -> None:
        """Whenever calls are cancelled, no task and no socket stays, and the transport goes on working."""
        before = asyncio.all_tasks()

        async with FaultServer(Visit.serve, scheme=scheme) as server:
            await server.heal()
            for steps in range(0, 60, 2):
                calls = [asyncio.create_task(transport.send(_request(server), _now() + 5)) for _ in range(3)]
                for _ in range(steps):
                    await asyncio.sleep(0)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            found = await asyncio.gather(*(_sent(transport, _request(server)) for _ in range(5)))
            await transport.aclose()
            await server.nothing_open()
            await asyncio.sleep(0.01)  # for the server's tasks to end
            left = asyncio.all_tasks() - before

        assert {response.status for response in found if isinstance(response, Response)} == {200}
        assert left == set()

    @pytest.mark.parametrize("place", _PLACES)
    async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing(
        self, transport: Transport, place: str
    ) -> None:
        """In a handshake, before a head or in a body: the socket closes, and the cancellation is raised again."""
        async with FAULTS[_PLACES[place]].server() as server:
            call = asyncio.create_task(transport.send(_request(server), _now() + 5))
            await asyncio.sleep(0.1)  # for the call to get that far
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await server.nothing_open()
