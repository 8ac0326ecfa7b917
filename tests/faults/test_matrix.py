"""The fault matrix, through the executor: attempts that the destination counts, the word, the time, the next call.

Every row runs over each transport, for PUT, POST and POST with a key at the same time, each with a server of its own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import attrs
import pytest

import wayhook as wh
from wayhook.testing.fault import FAULTS, NAME_FAULTS, Fault, NameFault, answer, answers
from wayhook.testing.fault_server import CLEAN, FaultServer, Visit, authority

OVERRUN = 0.25
EARLY, LATE = 0.02, 0.5
POLICY = wh.NetworkPolicy(loopback=True)
# The fields that the executor's side of the matrix adds; a row says less as long as they are not there.
HAS_KEY = "idempotency_header" in attrs.fields_dict(wh.Action)
COLUMNS = ("PUT", "POST", "POST + key") if HAS_KEY else ("PUT", "POST")


@attrs.define
class Guarded:
    """A transport that stays open when an executor closes."""

    inner: wh.Transport

    async def send(self, request: wh.Request, deadline: float) -> wh.Response:
        """Send it on; a policy is there, and what must not be sent twice asks for a fresh connection."""
        keyed = any(name == "Idempotency-Key" for name, _ in request.headers)
        assert request.network is not None
        assert request.fresh == (request.method == "POST" and not keyed)
        return await self.inner.send(request, deadline)

    async def aclose(self) -> None:
        """Stay open."""


@pytest.fixture(params=[wh.HttpxTransport, wh.WireTransport], ids=["httpx", "wire"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[list[wh.Transport]]:
    """Three transports of one kind, one for each column, closed in the end."""
    pem = authority().cert_pem.bytes().decode()
    transports = [request.param(trust=pem) for _ in range(3)]
    yield transports
    for transport in transports:
        await transport.aclose()


def _executor(transport: wh.Transport, network: wh.NetworkPolicy = POLICY) -> wh.Executor:
    guardrails = attrs.evolve(wh.Guardrails.standard(network=network), timeout_range=(0.1, 30))
    return wh.Executor(guardrails=guardrails, transport=transport, random=lambda: 0.0)


def _action(url: str, column: str) -> wh.Action:
    key = {"idempotency_header": "Idempotency-Key"} if column == "POST + key" else {}
    return wh.Action(
        name="Order",
        url_configuration=wh.UrlConfiguration(f"{url}/v1", method=column.split(" ", maxsplit=1)[0]),
        message_parameters=wh.message_parameters({"text": ""}, variables={"text": "Text"}),
        response=wh.payload({"clean": True}),
        **key,
    )


async def _called(executor: wh.Executor, action: wh.Action, fault: Fault) -> wh.Outcome:
    text = "x" * 900_000 if fault.large else "x"
    return await executor.call(action, {"text": text}, timeout=fault.deadline)


@attrs.frozen
class Seen:
    """What came of a row in one column."""

    column: str
    outcome: wh.Outcome
    counted: int
    connections: int
    took: float
    after: wh.Outcome
    tries: int
    """How many calls it took to get a clean one after the fault had passed."""


async def _seen(fault: Fault, column: str, inner: wh.Transport) -> Seen:
    transport, loop = Guarded(inner), asyncio.get_running_loop()
    async with fault.server() as server:
        action = _action(server.url, column)
        async with _executor(transport) as executor:
            started = loop.time()
            outcome = await _called(executor, action, fault)
            took, counted, connections = loop.time() - started, len(server.requests), server.connections
        await server.heal()
        await asyncio.sleep(0.02)  # for what is under way to arrive
        after, tries = await _next(transport, action, fault)
    return Seen(column, outcome, counted, connections, took, after, tries)


async def _next(transport: Guarded, action: wh.Action, fault: Fault) -> tuple[wh.Outcome, int]:
    """The next call on the same connections; by another executor, for the first may have to keep away."""
    async with _executor(transport) as executor:
        after = await executor.call(action, {"text": "x"}, timeout=5)
        if after.succeeded or fault.after != "race":
            return after, 1
        return await executor.call(action, {"text": "x"}, timeout=5), 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_row_of_the_matrix(fault: Fault, opened: list[wh.Transport]) -> None:
    """A fault has the attempts, the word and the time of its row in every column, and the next call is clean."""
    columns = zip(COLUMNS, opened, strict=False)

    seen = await asyncio.gather(*(_seen(fault, column, transport) for column, transport in columns))

    for number, row in enumerate(seen):
        outcome = row.outcome
        assert fault.requests is None or row.counted == fault.requests[number] == len(outcome.attempts), row
        assert max(row.took, outcome.elapsed) < fault.deadline + OVERRUN, row
        assert not fault.waits or fault.waits - EARLY <= outcome.elapsed <= fault.waits + LATE, row
        assert fault.may_be_unsent or outcome.delivery == _word(fault, row.column), row
        assert (row.after.status, row.after.received.body) == ("http_200", CLEAN), row
        assert row.tries == 1 or (fault.after == "race" and row.column == "POST"), row


def _word(fault: Fault, column: str) -> str:
    """A POST without a key stops at what is ambiguous, whatever the destination would have said next."""
    return "unknown" if fault.proves == "A" and column == "POST" else fault.delivery


@pytest.mark.parametrize("number", ["F45", "F49"])
async def test_a_repeat_goes_out_on_another_connection(number: str, opened: list[wh.Transport]) -> None:
    """After 408 and 421, which speak of the connection, each attempt has one of its own (F45, F49)."""
    seen = await asyncio.gather(*(_seen(FAULTS[number], *column) for column in zip(COLUMNS, opened, strict=False)))

    assert [row.connections for row in seen] == [row.counted for row in seen]
    assert all(row.counted > 1 for row in seen)


async def test_a_second_421_is_final(opened: list[wh.Transport]) -> None:
    """The repeat of a misdirected request is made once, whatever the method (F49)."""
    fault = attrs.evolve(FAULTS["F49"], script=answers(answer(421)))

    seen = await asyncio.gather(*(_seen(fault, *column) for column in zip(COLUMNS, opened, strict=False)))

    assert [(row.counted, row.connections, row.outcome.delivery) for row in seen] == [(2, 2, "unavailable")] * 3


async def test_an_end_at_once_does_not_wait(opened: list[wh.Transport]) -> None:
    """A destination that names a time beyond the deadline ends the call now (F52d)."""
    seen = await _seen(FAULTS["F52d"], "PUT", opened[0])

    assert seen.took < 0.5


@pytest.mark.parametrize("fault", NAME_FAULTS.values(), ids=NAME_FAULTS)
async def test_a_row_about_names(fault: NameFault, opened: list[wh.Transport], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve, hangs, or leads inward: nothing is dialled, and nothing was done."""
    lookups, dialled, hanging = [], [], threading.Event()

    def resolve(host, *_, **__):
        lookups.append(host)
        if fault.answer is None:
            hanging.wait(10)
        if not isinstance(fault.answer, tuple):
            raise socket.gaierror(fault.answer or socket.EAI_AGAIN, "scripted")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in fault.answer]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: dialled.append(address))
    strict, timeout = wh.NetworkPolicy(), 1.5 if fault.answer is None else 5

    async with _executor(Guarded(opened[0]), strict) as executor:
        action = _action("https://api.example.com", "POST")
        outcome = await executor.call(action, {"text": "x"}, timeout=timeout)
    hanging.set()

    assert fault.lookups is None or len(lookups) == fault.lookups == len(outcome.attempts)
    assert outcome.delivery == fault.delivery
    assert outcome.elapsed < timeout + OVERRUN
    assert dialled == []


async def test_the_server_is_clean_by_itself() -> None:
    """Without a fault, the server answers as every row expects of it afterwards."""
    async with FaultServer(Visit.serve) as server, _executor(wh.HttpxTransport()) as executor:
        outcome = await executor.call(_action(server.url, "PUT"), {"text": "x"})

    assert (outcome.status, outcome.response) == ("http_200", {"clean": True})
