"""Where a transport connects to: names resolved once, every address judged, one of these dialled (P38, P39)."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from itertools import pairwise

import attrs
import httpx
import pytest
import respx

import wayhook as wh
from wayhook.testing import LoopbackService

STRICT = wh.NetworkPolicy()
LOOPBACK = wh.NetworkPolicy(loopback=True)


def _soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@attrs.define
class Names:
    """A scripted resolver. `answers`: for each name, the answers to one lookup after the other, the last for ever."""

    answers: dict[str, list[object]] = attrs.Factory(dict)
    asked: list[str] = attrs.Factory(list)

    def __call__(self, host, port, *args, **kwargs):
        name = host if isinstance(host, str) else host.decode()
        self.asked.append(name)
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, threading.Event):
            answer.wait(10)
            answer = ["127.0.0.1"]
        if isinstance(answer, Exception):
            raise answer
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in text], socket.SOCK_STREAM, 6, "", (text, port or 0)) for text in answer]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The resolver that everybody in the process asks."""
    scripted = Names()
    monkeypatch.setattr(socket, "getaddrinfo", scripted)
    return scripted


@pytest.fixture
def dials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were dialled, in order."""
    seen: list[str] = []
    connect = socket.socket.connect

    def witnessed(self, address):
        seen.append(address[0])
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", witnessed)
    return seen


@pytest.fixture(params=[wh.HttpxTransport, wh.WireTransport], ids=["httpx", "wire"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[wh.Transport]:
    """A transport of each kind, closed in the end."""
    opened = request.param()
    yield opened
    await opened.aclose()


def _made(way: str, client: httpx.AsyncClient) -> wh.Transport:
    if way == "wire":
        return wh.WireTransport()
    return wh.HttpxTransport(client if way == "own client" else None)


def _request(host: str, port: int = 80, network: object = STRICT, scheme: str = "http") -> wh.Request:
    return wh.Request("POST", f"{scheme}://{host}:{port}/", (("X-Key", "canary"),), b"{}", network=network)


async def _refusal(transport: wh.Transport, request: wh.Request) -> wh.TransportError:
    with pytest.raises(wh.TransportError) as refused:
        await transport.send(request, _soon())
    return refused.value


INWARD = {
    "loopback": ["127.0.0.1"],
    "private": ["10.2.0.7"],
    "metadata": ["169.254.169.254"],
    "one among public ones": ["93.184.216.34", "10.2.0.7", "93.184.216.35"],
    "of the other family": ["93.184.216.34", "fd00::1"],
    "mapped": ["::ffff:93.184.216.34"],
    "translated": ["64:ff9b::a9fe:a9fe"],
    "unspecified": ["0.0.0.0"],
    "carrier": ["100.64.0.1"],
}


@pytest.mark.parametrize("way", ["httpx", "own client", "wire"])
@pytest.mark.parametrize("answer", INWARD.values(), ids=INWARD)
async def test_a_name_that_leads_inward_is_refused(names: Names, dials: list[str], answer: list[str], way: str) -> None:
    """One answer that is not public refuses the call, and no socket is opened (F06)."""
    names.answers["api.example.com"] = [answer]

    async with httpx.AsyncClient(trust_env=False) as client:
        transport = _made(way, client)
        refused = await _refusal(transport, _request("api.example.com"))

    assert (refused.evidence, refused.delivery) == (wh.Evidence.REFUSED, "refused")
    assert "not public" in str(refused)
    assert "example.com" not in str(refused)
    assert (names.asked, dials) == (["api.example.com"], [])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "2130706433", "0x7f.1", "017700000001", "localhost", "LOCALHOST"]
)
async def test_this_machine_is_refused_in_every_spelling(transport: wh.Transport, dials: list[str], host: str) -> None:
    """The address counts, not how it is written."""
    refused = await _refusal(transport, _request(host))

    assert refused.evidence is wh.Evidence.REFUSED
    assert dials == []


async def test_a_second_answer_is_never_asked_for(transport: wh.Transport, names: Names, dials: list[str]) -> None:
    """The address that was judged is the one that is dialled; a name that changes its answer cannot slip by."""
    names.answers["api.example.com"] = [["127.0.0.1"], ["169.254.169.254"]]

    with LoopbackService() as service:
        response = await transport.send(_request("api.example.com", service.port, LOOPBACK), _soon())

    assert response.status == 200
    assert (names.asked, dials) == (["api.example.com"], ["127.0.0.1"])


async def test_the_next_address_is_tried(transport: wh.Transport, names: Names, dials: list[str]) -> None:
    """Where nobody listens at one address, the next of those that were judged is dialled."""
    names.answers["api.example.com"] = [["127.0.0.2", "127.0.0.1"]]

    with LoopbackService() as service:
        response = await transport.send(_request("api.example.com", service.port, LOOPBACK), _soon())

    assert response.status == 200
    assert dials == ["127.0.0.2", "127.0.0.1"]


@pytest.mark.parametrize("way", ["httpx", "own client", "wire"])
async def test_the_address_that_answers_is_compared(names: Names, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """A connection that ends up at another address than the one dialled is closed before a byte is sent."""
    names.answers["api.example.com"] = [["93.184.216.34"]]
    connect = socket.socket.connect

    with LoopbackService() as service:
        monkeypatch.setattr(socket.socket, "connect", lambda self, _: connect(self, ("127.0.0.1", service.port)))
        async with httpx.AsyncClient(trust_env=False) as client:
            transport = _made(way, client)
            refused = await _refusal(transport, _request("api.example.com"))

    assert refused.evidence is wh.Evidence.REFUSED
    assert "another address" in str(refused)
    assert service.received == []


async def test_a_client_of_ones_own_that_resolves_again_is_caught(names: Names) -> None:
    """A client resolves for itself; when it reached another address than those judged, nothing is sent."""
    names.answers["api.example.com"] = [["93.184.216.34"], ["127.0.0.1"]]

    with LoopbackService() as service:
        async with httpx.AsyncClient(trust_env=False) as client:
            refused = await _refusal(wh.HttpxTransport(client), _request("api.example.com", service.port))

    assert refused.evidence is wh.Evidence.REFUSED
    assert service.received == []


async def test_a_client_that_dials_nothing_is_not_asked(names: Names) -> None:
    """A mock, or an application in the same process, needs no name that exists."""
    answering = httpx.MockTransport(lambda request: httpx.Response(202))

    async with httpx.AsyncClient(transport=answering) as client:
        by_client = await wh.HttpxTransport(client).send(_request("api.example.com"), _soon())
    with respx.mock() as mocked:
        mocked.route().respond(203)
        by_default = await wh.HttpxTransport().send(_request("api.example.com"), _soon())

    assert (by_client.status, by_default.status, names.asked) == (202, 203, [])


async def test_a_proxy_of_ones_own_resolves_for_itself(names: Names) -> None:
    """What a proxy dials is its own affair; the client that was given trusts it."""
    names.answers["127.0.0.1"] = [["127.0.0.1"]]

    with LoopbackService() as proxy:
        async with httpx.AsyncClient(proxy=proxy.url, trust_env=False) as client:
            response = await wh.HttpxTransport(client).send(_request("api.example.com"), _soon())

    assert response.status == 200
    assert "api.example.com" not in names.asked


@pytest.mark.parametrize(
    ("error", "evidence"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), wh.Evidence.PERMANENT),
        (socket.gaierror(socket.EAI_NODATA, "no data"), wh.Evidence.PERMANENT),
        (UnicodeError("label too long"), wh.Evidence.PERMANENT),
        (socket.gaierror(socket.EAI_AGAIN, "again"), wh.Evidence.NEVER_SENT),
        (socket.gaierror(socket.EAI_FAIL, "failure"), wh.Evidence.NEVER_SENT),
        (OSError(24, "too many files"), wh.Evidence.NEVER_SENT),
    ],
)
async def test_a_name_without_an_address_is_told_by_what_it_proves(
    transport: wh.Transport, names: Names, error: Exception, evidence: wh.Evidence
) -> None:
    """No such name would fail again, a resolver in trouble may not; nothing was done in either case (F03, F04)."""
    names.answers["api.example.com"] = [error]

    failed = await _refusal(transport, _request("api.example.com"))

    assert (failed.evidence, failed.delivery) == (evidence, "unavailable")
    assert names.asked == ["api.example.com"]


async def test_a_resolver_that_hangs_takes_a_second(transport: wh.Transport, names: Names) -> None:
    """A lookup has a second, and never more than the deadline; the loop goes on meanwhile (F05)."""
    hanging = threading.Event()
    names.answers["api.example.com"] = [hanging]
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(_soon(0))
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    started = _soon(0)
    with pytest.raises(wh.TransportError) as late:
        await transport.send(_request("api.example.com"), _soon(0.2))
    after_deadline = _soon(0) - started
    with pytest.raises(wh.TransportError) as slow:
        await transport.send(_request("api.example.com"), _soon(5))
    after_second = _soon(0) - started - after_deadline
    ticking.cancel()
    hanging.set()

    assert (late.value.evidence, late.value.delivery) == (wh.Evidence.EXPIRED, "unavailable")
    assert (slow.value.evidence, slow.value.delivery) == (wh.Evidence.NEVER_SENT, "unavailable")
    assert 0.2 <= after_deadline < 0.45
    assert 1 <= after_second < 1.25
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 0.25


HANGING = """
import asyncio, socket, sys, time
import wayhook as wh

socket.getaddrinfo = lambda *_, **__: time.sleep(60)

async def main():
    try:
        request = wh.Request("POST", "http://api.example.com/", (), b"")
        await getattr(wh, sys.argv[1])().send(request, asyncio.get_running_loop().time() + 0.1)
    except wh.TransportError as error:
        print(error.evidence)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["HttpxTransport", "WireTransport"])
def test_a_resolver_that_hangs_keeps_nobody_from_ending(kind: str) -> None:
    """Neither the loop nor the interpreter waits for a lookup."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING, kind], capture_output=True, text=True, check=False, timeout=15
    )

    assert (done.stdout, done.stderr, done.returncode) == ("expired\n", "", 0)


async def test_calls_at_once_share_a_lookup(transport: wh.Transport, names: Names) -> None:
    """Who needs a name that is being looked up takes the same answer; a caller that leaves does not spoil it."""
    found = threading.Event()
    names.answers["api.example.com"] = [found]

    with LoopbackService() as service:
        request = _request("api.example.com", service.port, LOOPBACK)
        calls = [asyncio.create_task(transport.send(request, _soon())) for _ in range(20)]
        await asyncio.sleep(0.05)
        calls[0].cancel()
        found.set()
        responses = await asyncio.gather(*calls[1:])

    assert {response.status for response in responses} == {200}
    assert names.asked == ["api.example.com"]
    assert calls[0].cancelled()


async def test_a_connection_serves_only_whose_policy_allows_it(transport: wh.Transport) -> None:
    """An idle connection that one policy allowed is no way around another (P39)."""
    with LoopbackService() as service:
        await transport.send(_request("127.0.0.1", service.port, LOOPBACK), _soon())
        refused = await _refusal(transport, _request("127.0.0.1", service.port, STRICT))

    assert refused.evidence is wh.Evidence.REFUSED
    assert len(service.received) == 1


async def test_a_dead_address_costs_a_second(transport: wh.Transport, names: Names) -> None:
    """Where no answer comes to a connection, the attempt ends after a second at most, and nothing was sent (F02)."""
    names.answers["api.example.com"] = [["127.0.0.1"]]
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # the queue is full then, and the next one is not answered
            waiting.append(filler := socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        started = _soon(0)
        failed = await _refusal(transport, _request("api.example.com", full.getsockname()[1], LOOPBACK))
        took = _soon(0) - started
        for filler in waiting:
            filler.close()

    assert failed.evidence is wh.Evidence.NEVER_SENT
    assert took < 1.25


@pytest.fixture(params=["httpx", "wire", "a client of one's own"])
async def anyhow(request: pytest.FixtureRequest) -> AsyncIterator[wh.Transport]:
    """Whoever dials: our transports, or httpx."""
    async with httpx.AsyncClient(trust_env=False) as client:
        own = client if request.param not in ("httpx", "wire") else None
        opened = wh.WireTransport() if request.param == "wire" else wh.HttpxTransport(own)
        yield opened
        await opened.aclose()


SHORTAGES = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL]


@pytest.mark.parametrize("number", SHORTAGES, ids=errno.errorcode.get)
async def test_what_this_side_lacks_is_not_the_hosts_fault(
    anyhow: wh.Transport, names: Names, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Without a file descriptor, a port or memory nothing was sent, and the error says whose shortage it was (F12)."""
    names.answers["api.example.com"] = [["93.184.216.34", "93.184.216.35"]]

    def short(*_: object) -> None:
        raise OSError(number, "scripted")

    monkeypatch.setattr(socket.socket, "connect", short)
    refused = await _refusal(anyhow, _request("api.example.com"))

    assert (refused.evidence, refused.delivery, refused.local) == (wh.Evidence.NEVER_SENT, "unavailable", True)


async def test_a_host_that_refuses_at_one_address_is_to_blame(
    anyhow: wh.Transport, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one address cannot be dialled from here, the other one's refusal still is the host's."""
    names.answers["api.example.com"] = [["2606:2800:220::1", "93.184.216.34"]]

    def connect(_: object, address: tuple[str, int]) -> None:
        raise OSError(errno.EADDRNOTAVAIL if ":" in address[0] else errno.ECONNREFUSED, "scripted")

    monkeypatch.setattr(socket.socket, "connect", connect)
    refused = await _refusal(anyhow, _request("api.example.com"))

    assert (refused.evidence, refused.local) == (wh.Evidence.NEVER_SENT, False)


async def test_a_lookup_that_lacks_a_file_descriptor_is_a_shortage_of_ours(anyhow: wh.Transport, names: Names) -> None:
    """The resolver needs one, too."""
    names.answers["api.example.com"] = [OSError(errno.EMFILE, "scripted")]

    refused = await _refusal(anyhow, _request("api.example.com"))

    assert (refused.evidence, refused.local) == (wh.Evidence.NEVER_SENT, True)


async def test_a_lookup_without_a_thread_is_a_shortage_of_ours(
    transport: wh.Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be started, the call ends at once, and the next one asks again."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    refused = [await _refusal(transport, _request("api.example.com")) for _ in range(2)]

    assert [(error.evidence, error.local) for error in refused] == [(wh.Evidence.NEVER_SENT, True)] * 2
