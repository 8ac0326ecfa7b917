"""The contract of a store of jobs, as tests: of `Dispatcher`, `JobQueue` and `DeadLetters`. Subclass it; all must pass.

    class TestMine(DispatcherContract):
        @pytest.fixture
        async def jobs(self, clock):
            async with MyJobs(..., now=clock.now) as jobs:
                yield jobs

Needs pytest and pytest-asyncio (or another plug-in that runs async tests).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from wayhook.errors import DefinitionError, NotFound
from wayhook.execution.executor import Executor
from wayhook.execution.job import Buried, Ended, JobState, Postponed
from wayhook.execution.worker import Redelivery, Worker
from wayhook.expression.context import Context, DataSourceAnswer
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.job import Job
from wayhook.secret import literal_secret, secret
from wayhook.testing.fakes import FakeClock, FakeTransport
from wayhook.wire import Response

__all__ = ["DispatcherContract"]

_LEASE = 30.0
_VALUES: dict[str, Any] = {
    "text": "Grüße, 'x'; DROP TABLE wayhook_job; -- \x00 \u2028 😀",
    "integers": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)],
    "floats": [0.1, 1e300, 5e-324, -0.0],
    "decimals": [Decimal("0.10"), Decimal("12345678901234567890.123456789")],
    "moments": [
        datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2030, 7, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2030, 1, 2, 3, 4),  # noqa: DTZ001 - a dateTimeOnly
        date(2030, 1, 2),
        timedelta(days=-1, microseconds=1),
    ],
    "nothing": [None, True, False, "", [], {}],
    "names": {"$decimal": "0.10", "$": 1, "": 2, "a.b": {"$object": {"$date": None}}},
}


def _job(delivery_id: str = "", **more: Any) -> Job:
    return Job.call("Ping", {"number": 1}, delivery_id=delivery_id, **more)


class DispatcherContract:
    """What every store of jobs keeps, whatever it keeps them in."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock that the tests move: give its `now` to the store."""
        return FakeClock()

    @pytest.fixture
    def jobs(self, clock: FakeClock) -> Any:
        """Return an empty store, opened; override this one fixture."""
        raise NotImplementedError("override the fixture 'jobs'")

    @pytest.fixture
    def another(self, jobs: Any) -> Any:
        """Return what another process would open: another store of the same place. Override it where there is one."""
        return jobs

    async def test_what_is_handed_over_comes_back_exactly(self, jobs: Any, another: Any) -> None:
        """Numbers keep their digits, moments their offsets, and objects whatever names they have."""
        context = Context(
            {"Order": _VALUES},
            data_sources={"S": {"G": _VALUES}},
            actions={"Ping": {"jo_status_code": "http_200"}},
            journey={"externalKey": "k"},
            now=datetime(2030, 1, 1, tzinfo=UTC),
            audiences={"vip": "realized"},
            answers=[DataSourceAnswer("Weather.main", {"city": "Oslo"}, _VALUES)],
            types={"event.Order.text": "string"},
        )
        handed = [
            Job.execute("Welcome", "day1", context, delivery_id="a"),
            Job.call("Ping", _VALUES, path="x/y", timeout=2.5, delivery_id="b"),
        ]

        names = await jobs.dispatch(*handed)
        taken = await another.take(10, _LEASE)

        assert names == ("a", "b")
        found = sorted((record.job for record in taken), key=lambda job: job.delivery_id)
        assert found == handed
        assert [repr(job.context or job.values) for job in found] == [repr(job.context or job.values) for job in handed]
        assert repr(found[1].values) == repr(_VALUES)

    async def test_a_new_id_is_made_for_each(self, jobs: Any) -> None:
        """Jobs without a delivery id get one that no other has."""
        names = await jobs.dispatch(_job(), _job(), _job())

        assert len(set(names)) == 3
        assert [(await jobs.find(name)).state for name in names] == [JobState.WAITING] * 3

    async def test_one_id_is_one_job(self, jobs: Any, another: Any) -> None:
        """Who hands over again after a doubt changes nothing: not while it waits, nor when it has ended."""
        await asyncio.gather(*(one.dispatch(_job("a"), _job("a")) for one in (jobs, another)))
        [record] = await jobs.take(10, _LEASE)
        await jobs.settle(record, Ended('{"status":"http_200"}'))
        await another.dispatch(Job.call("Other", {}, delivery_id="a"))

        assert (await jobs.find("a")).state is JobState.ENDED
        assert (await jobs.find("a")).job.action == "Ping"
        assert await another.take(10, _LEASE) == ()

    async def test_delivery_ids_are_told_apart(self, jobs: Any) -> None:
        """By every sign, letter case included, and up to the longest."""
        names = ["a", "A", "a~", "%", "_", "'", '"', "\\", "x" * 254, "x" * 255]

        assert await jobs.dispatch(*map(_job, names)) == tuple(names)
        assert sorted(record.delivery_id for record in await jobs.take(100, _LEASE)) == sorted(names)

    @pytest.mark.parametrize(
        ("values", "path"),
        [
            ({"a": [1, object()]}, "$.values.a[1]"),
            ({"a": {"b": secret("env:KEY")}}, "$.values.a.b"),
            ({"a": literal_secret("canary-9")}, "$.values.a"),
            ({"a": float("nan")}, "$.values.a"),
            ({"a": Decimal("NaN")}, "$.values.a"),
            ({"a": "\ud800"}, "$.values.a"),
            ({"a": {1: 2}}, "$.values.a"),
        ],
    )
    async def test_what_cannot_be_kept_is_refused(self, jobs: Any, values: Any, path: str) -> None:
        """With its path, and nothing of what came with it is kept; no secret is told."""
        with pytest.raises(DefinitionError) as caught:
            await jobs.dispatch(_job("good"), Job.call("Ping", values))

        assert [violation.path for violation in caught.value.violations] == [path.replace("$", "$[1]", 1)]
        assert "canary-9" not in str(caught.value)
        with pytest.raises(NotFound):
            await jobs.find("good")

    async def test_what_holds_itself_is_refused(self, jobs: Any) -> None:
        """What has no end is too deep."""
        endless: dict[str, Any] = {}
        endless["a"] = [endless, endless]

        with pytest.raises(DefinitionError, match="levels"):
            await jobs.dispatch(Job.call("Ping", endless))

    async def test_what_nobody_handed_over_is_not_found(self, jobs: Any) -> None:
        """An unknown delivery id is told, whatever it is."""
        for odd in (["unknown"], None):
            with pytest.raises(NotFound):
                await jobs.find(odd)
        for name in ("unknown", "", "ü", "x" * 300):
            with pytest.raises(NotFound):
                await jobs.find(name)
            assert await jobs.take(1, _LEASE, delivery_id=name) == ()

    async def test_a_job_is_taken_by_one(self, jobs: Any, another: Any) -> None:
        """Many take at once; each job goes to one of them, and none is left."""
        names = await jobs.dispatch(*(_job(f"j-{number:02}") for number in range(40)))

        async def emptied(one: Any) -> list[str]:
            found = []
            while taken := await one.take(3, _LEASE):
                found += [record.delivery_id for record in taken]
            return found

        taken = await asyncio.gather(*(emptied(one) for one in (jobs, another) * 4))

        assert Counter(name for each in taken for name in each) == Counter(names)

    async def test_one_job_is_taken_by_its_id(self, jobs: Any, another: Any) -> None:
        """Of those who hear of it one gets it, and the others jobs stay."""
        await jobs.dispatch(_job("a"), _job("b"))

        taken = await asyncio.gather(*(one.take(1, _LEASE, delivery_id="b") for one in (jobs, another) * 3))

        assert [record.delivery_id for each in taken for record in each] == ["b"]
        assert [record.delivery_id for record in await jobs.take(10, _LEASE)] == ["a"]

    async def test_those_that_wait_longest_come_first(self, jobs: Any, clock: FakeClock) -> None:
        """By the moment from which they could be taken."""
        for name in ("first", "second", "third"):
            await jobs.dispatch(_job(name))
            clock.pass_time(1)

        taken = [*await jobs.take(2, _LEASE), *await jobs.take(2, _LEASE)]

        assert {record.delivery_id for record in taken[:2]} == {"first", "second"}
        assert taken[2].delivery_id == "third"

    async def test_a_delay_waits_in_the_store(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """Before its time nobody gets a job or is told of it, not even by its id; afterwards somebody does."""
        await jobs.dispatch(_job("a", not_before=clock.now() + timedelta(days=3)))
        clock.pass_time(3 * 86_400 - 1)
        early = (await jobs.take(1, _LEASE), await jobs.take(1, _LEASE, delivery_id="a"), await jobs.announce(1, 60))
        clock.pass_time(1)

        assert early == ((), (), ())
        assert await another.announce(1, 60) == ("a",)
        assert [record.delivery_id for record in await another.take(1, _LEASE)] == ["a"]

    async def test_a_job_comes_again_when_its_lease_has_run_out(
        self, jobs: Any, another: Any, clock: FakeClock
    ) -> None:
        """With its delivery id, and one delivery more; a lease that is renewed does not run out."""
        await jobs.dispatch(_job("a"))
        [first] = await jobs.take(1, _LEASE)
        clock.pass_time(_LEASE - 1)
        await jobs.renew(first, _LEASE)
        clock.pass_time(_LEASE - 1)
        early = await another.take(1, _LEASE)
        clock.pass_time(1)
        [second] = await another.take(1, _LEASE)
        await jobs.renew(first, _LEASE)
        clock.pass_time(_LEASE)
        [third] = await another.take(1, _LEASE)

        assert early == ()
        assert [record.deliveries for record in (first, second, third)] == [1, 2, 3]
        assert {record.delivery_id for record in (first, second, third)} == {"a"}

    async def test_the_first_outcome_is_kept(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """Two workers carried it out; one outcome is written down, and the other worker is told."""
        await jobs.dispatch(_job("a"))
        [first] = await jobs.take(1, _LEASE)
        clock.pass_time(_LEASE)
        [second] = await another.take(1, _LEASE)

        written = await asyncio.gather(
            jobs.settle(first, Ended('{"status":"first"}')), another.settle(second, Ended('{"status":"second"}'))
        )
        record = await jobs.find("a")

        assert sorted(written) == [False, True]
        assert record.outcome == {"status": "first" if written[0] else "second"}
        assert (record.due, record.settled) == (None, clock.now())
        clock.pass_time(10 * _LEASE)
        assert await jobs.take(1, _LEASE) == ()
        assert await jobs.announce(1, 60) == ()

    async def test_who_is_slow_may_find_the_job_forgotten(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """Another worker ended it, and it was cleared away: the slow one is told, and brings nothing back."""
        await jobs.dispatch(_job("a"))
        [slow] = await jobs.take(1, _LEASE)
        clock.pass_time(_LEASE)
        [quick] = await another.take(1, _LEASE)
        await another.settle(quick, Ended('{"status":"http_200"}'))
        clock.pass_time(1)
        forgotten = await another.forget(clock.now())

        await jobs.renew(slow, _LEASE)
        written = await jobs.settle(slow, Ended('{"status":"http_500"}'))

        assert (forgotten, written) == (1, False)
        with pytest.raises(NotFound):
            await jobs.find("a")

    async def test_who_lost_a_job_postpones_and_buries_it_no_more(
        self, jobs: Any, another: Any, clock: FakeClock
    ) -> None:
        """Only who has a job says that it comes later, or never."""
        await jobs.dispatch(_job("a"))
        [first] = await jobs.take(1, _LEASE)
        clock.pass_time(_LEASE)
        [second] = await another.take(1, _LEASE)

        assert await jobs.settle(first, Buried("lost")) is False
        assert await jobs.settle(first, Postponed(clock.now(), "lost", counts=True)) is False
        assert await another.settle(second, Postponed(clock.now(), "busy", counts=True)) is True

    async def test_a_job_comes_again_at_its_time(self, jobs: Any, clock: FakeClock) -> None:
        """What is postponed waits in the store, is announced anew, and counts its tries."""
        await jobs.dispatch(_job("a"))
        [record] = await jobs.take(1, _LEASE)
        await jobs.settle(record, Postponed(clock.now() + timedelta(hours=5), "busy", counts=True))
        waiting = await jobs.find("a")
        clock.pass_time(5 * 3600 - 1)
        early = (await jobs.announce(1, 60), await jobs.take(1, _LEASE))
        clock.pass_time(1)

        assert (waiting.state, waiting.tries, waiting.deliveries) == (JobState.WAITING, 1, 0)
        assert waiting.reason == "busy"
        assert early == ((), ())
        assert await jobs.announce(1, 60) == ("a",)
        assert len(await jobs.take(1, _LEASE)) == 1

    async def test_a_dead_letter_is_looked_at_and_replayed(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """It keeps its job, its reason and its delivery id; played again it is delivered as if it was new."""
        await jobs.dispatch(_job("a"), _job("b"))
        for record in await jobs.take(2, _LEASE):
            await jobs.settle(record, Buried(f"no action, said {record.delivery_id}"))

        dead = await another.dead_letters()
        rest = await another.dead_letters(cursor="a", limit=1)
        clock.pass_time(10 * _LEASE)
        nothing = await jobs.take(2, _LEASE)
        replayed = await another.replay("a")
        [again] = await jobs.take(2, _LEASE)

        assert [(letter.delivery_id, letter.reason) for letter in dead] == [
            ("a", "no action, said a"),
            ("b", "no action, said b"),
        ]
        assert dead[0].job.values == {"number": 1}
        assert [letter.delivery_id for letter in rest] == ["b"]
        assert nothing == ()
        assert (replayed.state, again.delivery_id, again.deliveries) == (JobState.WAITING, "a", 1)
        assert [letter.delivery_id for letter in await jobs.dead_letters()] == ["b"]

    async def test_any_reason_is_kept(self, jobs: Any) -> None:
        """It may repeat what somebody wrote into a document: signs that no database takes, or far too many."""
        await jobs.dispatch(_job("a"), _job("b"))
        reasons = ["no name '\x00\ud800'", "x" * 5_000_000]
        for record, reason in zip(await jobs.take(2, _LEASE), reasons, strict=True):
            await jobs.settle(record, Buried(reason))

        kept = sorted((letter.reason for letter in await jobs.dead_letters()), key=len)

        assert kept == ["no name '\\x00\\ud800'", "x" * 4_000 + "…"]

    async def test_a_dead_letter_is_replayed_once(self, jobs: Any, another: Any) -> None:
        """Of those who replay it at the same time one does, and the others are told."""
        await jobs.dispatch(_job("a"))
        [record] = await jobs.take(1, _LEASE)
        await jobs.settle(record, Buried("gone"))

        done = await asyncio.gather(*(one.replay("a") for one in (jobs, another) * 2), return_exceptions=True)

        assert sorted(type(each).__name__ for each in done) == ["JobRecord", "NotFound", "NotFound", "NotFound"]
        assert len(await jobs.take(10, _LEASE)) == 1

    async def test_only_a_dead_letter_is_replayed(self, jobs: Any) -> None:
        """What waits or is unknown is none."""
        await jobs.dispatch(_job("a"))

        for name in ("a", "unknown", "ü", None):
            with pytest.raises(NotFound):
                await jobs.replay(name)

    @pytest.mark.parametrize(("cursor", "limit"), [(None, 0), (None, 1001), (7, 10)])
    async def test_a_page_has_bounds(self, jobs: Any, cursor: Any, limit: int) -> None:
        """A page of no length, or from nowhere, is refused."""
        with pytest.raises(DefinitionError):
            await jobs.dead_letters(cursor=cursor, limit=limit)

    async def test_a_job_is_announced_to_one_and_again_when_nobody_came(
        self, jobs: Any, another: Any, clock: FakeClock
    ) -> None:
        """After a while, and then after twice as long; what was taken is announced when its lease has run out."""
        await jobs.dispatch(_job("a"))

        told = await asyncio.gather(*(one.announce(10, 60) for one in (jobs, another) * 3))
        again = []
        for seconds in (59, 1, 119, 1):
            clock.pass_time(seconds)
            again.append(await jobs.announce(10, 60))
        await jobs.take(1, _LEASE)
        clock.pass_time(_LEASE - 1)
        under_way = await jobs.announce(10, 60)
        clock.pass_time(1)

        assert sorted(map(len, told)) == [0, 0, 0, 0, 0, 1]
        assert again == [(), ("a",), (), ("a",)]
        assert under_way == ()
        assert await jobs.announce(10, 60) == ("a",)

    async def test_who_adds_may_announce(self, jobs: Any, clock: FakeClock) -> None:
        """What its adder announces is announced by nobody else, for a while; what is due later by somebody else."""
        later = clock.now() + timedelta(seconds=10)
        records = await jobs.add([_job("now"), _job("later", not_before=later)], announced_for=60)
        clock.pass_time(59)
        first = await jobs.announce(10, 60)
        clock.pass_time(1)

        assert [record.announcements for record in records] == [1, 0]
        assert first == ("later",)
        assert await jobs.announce(10, 60) == ("now",)

    async def test_what_is_over_is_forgotten(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """What ended before a time goes; what ended since, what waits, and dead letters stay."""
        await jobs.dispatch(_job("old"), _job("dead"), _job("new"))
        await jobs.dispatch(_job("waits", not_before=clock.now() + timedelta(days=1)))
        taken = {record.delivery_id: record for record in await jobs.take(10, _LEASE)}
        await jobs.settle(taken["old"], Ended("{}"))
        await jobs.settle(taken["dead"], Buried("so"))
        clock.pass_time(60)
        await jobs.settle(taken["new"], Ended("{}"))

        assert await another.forget(clock.now()) == 1
        with pytest.raises(NotFound):
            await jobs.find("old")
        for name in ("dead", "new", "waits"):
            assert (await jobs.find(name)).delivery_id == name
        with pytest.raises(DefinitionError):
            await jobs.forget(datetime(2030, 1, 1))  # noqa: DTZ001 - without an offset, which is refused

    async def test_workers_carry_out_each_job_once(self, jobs: Any, another: Any, clock: FakeClock) -> None:
        """Through executors: every job has one outcome, its own, and was called once, with its delivery id."""
        names = await jobs.dispatch(*(Job.call("Ping", delivery_id=f"j-{number}") for number in range(30)))
        transport = FakeTransport(Response(202))
        repository = _repository()
        await repository.save(
            Action(
                name="Ping",
                url_configuration=UrlConfiguration("https://api.example.com/"),
                idempotency_header="Idempotency-Key",
            )
        )
        async with Executor(repository, transport=transport) as executor:
            workers = [Worker(one, executor, redelivery=Redelivery(), now=clock.now) for one in (jobs, another)]
            counts = await asyncio.gather(*(worker.drain(concurrency=7) for worker in workers))

        assert sum(counts) == 30
        sent = [dict(request.headers)["Idempotency-Key"] for request in transport.requests]
        assert sorted(sent) == sorted(names)
        outcomes = [(await jobs.find(name)).outcome for name in names]
        assert [(outcome["status"], outcome["delivery_id"]) for outcome in outcomes] == [
            ("http_202", name) for name in names
        ]


def _repository() -> Any:
    from wayhook.adapters.repository.memory import MemoryRepository

    return MemoryRepository()
