"""The SQL repository in real databases: the contract, any history, many writers, and processes that are killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import delete, inspect
from sqlalchemy.ext.asyncio import create_async_engine

import wayhook as wh
from wayhook.testing import FakeClock, HistoryContract, RepositoryContract, RepositoryMachine

pytestmark = pytest.mark.services


def _action(name: str = "Ping", description: str = "") -> wh.Action:
    return wh.Action(
        name=name, description=description, url_configuration=wh.UrlConfiguration("https://api.example.com/")
    )


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves only when it is told."""
    return FakeClock()


@asynccontextmanager
async def emptied(database: str, clock: FakeClock) -> AsyncIterator[wh.SqlRepository]:
    """A repository in a database whose tables are empty, and are again at last."""
    async with wh.SqlRepository(database, now=clock.now) as repository:
        yield repository
        async with repository._database.engine.begin() as connection:
            for table in wh.SqlRepository.metadata().sorted_tables:
                await connection.execute(delete(table))


@pytest.fixture
async def repository(database: str, clock: FakeClock) -> AsyncIterator[wh.SqlRepository]:
    """A repository without a record."""
    async with emptied(database, clock) as repository:
        yield repository


class TestSqlRepository(RepositoryContract):
    """Every promise of a repository."""

    @pytest.fixture
    async def repository(self, database: str, clock: FakeClock) -> AsyncIterator[wh.Repository]:
        """A repository without a record."""
        async with emptied(database, clock) as repository:
            yield repository


class TestSqlHistory(HistoryContract):
    """Every promise about history and namespaces."""


def test_any_history_agrees(database: str) -> None:
    """Any sequence of saves, renames and deletions comes to what a dictionary says."""

    class Machine(RepositoryMachine):
        def open(self) -> AbstractAsyncContextManager[wh.Repository]:
            return _namespace(database)

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


@asynccontextmanager
async def _namespace(database: str) -> AsyncIterator[wh.Repository]:
    async with wh.SqlRepository(database) as repository:
        yield repository.within(uuid4().hex)


async def test_it_is_opened_by_its_url(database: str) -> None:
    """The scheme of a URL leads to it, with and without the name of a driver."""
    async with wh.open_repository(database) as repository:
        assert isinstance(repository, wh.SqlRepository)
        assert isinstance(repository, wh.History)
        assert isinstance(repository, wh.Namespaced)


async def test_an_engine_of_the_host_stays_the_hosts(database: str, repository: wh.SqlRepository) -> None:
    """A repository on an engine that is there already leaves it open."""
    engine = repository._database.engine

    async with wh.SqlRepository(engine) as other:
        await other.save(_action())

    assert (await repository.get(wh.Action, "Ping")).version == 1


async def test_names_are_told_apart_to_the_letter(repository: wh.SqlRepository) -> None:
    """Letter case, accents and spaces at the end make another name, and pages are in the order of code points."""
    names = ["Z", "a", "a ", "ä", "é", "日", "𝒳", "A"]
    for name in names:
        await repository.save(wh.Journey(name))

    found = [stored.value.name for stored in (await repository.list(wh.Journey)).items]

    assert found == sorted(names)


async def test_a_name_that_no_table_takes_is_refused(repository: wh.SqlRepository) -> None:
    """A name with a NUL or of more than 1,000 bytes is refused with a sentence, and nothing has such a name."""
    for name in ("a\0b", "é" * 501):
        with pytest.raises(wh.DefinitionError, match=r"NUL|bytes"):
            await repository.save(wh.Journey(name))
        with pytest.raises(wh.NotFound):
            await repository.get(wh.Journey, name)
        assert await repository.history(wh.Journey, name) == ()

    await repository.save(wh.Journey("é" * 500))


async def test_a_large_definition_is_kept(repository: wh.SqlRepository) -> None:
    """A document of some hundred kilobytes comes back as it was."""
    action = attrs.evolve(_action(), description="é" * 300_000)

    await repository.save(action)

    assert (await repository.get(wh.Action, "Ping")).value == action


async def test_a_database_without_tables_is_told(sqlite_url: str) -> None:
    """Opening makes no tables: a sentence says what does."""
    with pytest.raises(wh.StoreUnavailable, match="wayhook migrate"):
        async with wh.open_repository(sqlite_url):
            pass


async def test_tables_are_made_once(database: str) -> None:
    """A database that is up to date is migrated again without an effect, by several at once."""
    await asyncio.gather(*(wh.SqlRepository(database).migrate() for _ in range(3)))

    async with wh.SqlRepository(database) as repository:
        assert (await repository.list(wh.Action)).cursor is None


async def test_the_tables_of_the_migration_are_those_of_the_repository(database: str) -> None:
    """The steps of Alembic and the metadata for hosts come to the same tables, columns and indexes."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async with wh.SqlRepository(database) as repository, repository._database.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"version_table": "wayhook_migration"}),
                wh.SqlRepository.metadata(),
            )
        )

    assert differences == []


async def test_a_host_makes_the_tables_with_its_own(sqlite_url: str) -> None:
    """Tables that the host made from the metadata serve as well."""
    engine = create_async_engine(sqlite_url)
    async with engine.begin() as connection:
        await connection.run_sync(wh.SqlRepository.metadata().create_all)
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()

    async with wh.SqlRepository(sqlite_url) as repository:
        assert await repository.save(_action()) == 1

    assert "wayhook_record" in tables


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "mariadb", "sqlite"])
def test_a_script_makes_the_tables_by_hand(dialect: str) -> None:
    """The script for a dialect makes every table, and is refused for what is none."""
    script = wh.SqlRepository.script(dialect)

    for table in wh.SqlRepository.metadata().sorted_tables:
        assert f"CREATE TABLE {table.name}" in script
    with pytest.raises(wh.DefinitionError, match="postgresql"):
        wh.SqlRepository.script("oracle")


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("postgresql+nodriver://h/d", wh.DefinitionError),
        ("oracle://h/d", wh.DefinitionError),
        ("no url", wh.DefinitionError),
        (7, wh.DefinitionError),
    ],
)
def test_a_url_of_something_else_is_refused(url: object, refusal: type[Exception]) -> None:
    """What is no URL of a database that is spoken here is refused as it is given."""
    with pytest.raises(refusal):
        wh.SqlRepository(url)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["postgresql://ann:canary-7@127.0.0.1:1/d", "mysql://ann:canary-7@127.0.0.1:1/d"])
async def test_a_database_that_is_away_is_a_sentence(url: str) -> None:
    """It says where and why, and not the password."""
    repository = wh.SqlRepository(url)
    with pytest.raises(wh.StoreUnavailable) as told:
        async with repository:
            pass

    assert "canary-7" not in str(told.value) + repr(told.value) + repr(repository)
    assert "127.0.0.1" in str(told.value)
    assert told.value.__cause__ is None
