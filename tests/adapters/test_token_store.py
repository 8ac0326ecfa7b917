"""The store of access tokens in SQLite: encrypted, shared, ended by the wall clock."""

from __future__ import annotations

import asyncio
import json
import pickle
import sqlite3
import sys
import traceback
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

import wayhook as wh
from wayhook.testing import FakeClock, FakeSecrets, FakeTransport, TokenStoreContract

KEY = Fernet.generate_key().decode()
CANARY = "canary-token-7f3a9c"
DIGEST = "ab" * 32


class WallClock(FakeClock):
    """A clock whose date can be set."""

    set_by = timedelta()

    def now(self) -> Any:
        return super().now() + self.set_by


@pytest.fixture
def clock() -> WallClock:
    """A clock that moves only when it is told."""
    return WallClock()


class NotingStore(wh.SqliteTokenStore):
    """A store that says when it has kept a token, which no call waits for."""

    kept: asyncio.Event

    async def put(self, key: str, token: wh.StoredToken) -> None:
        await super().put(key, token)
        self.kept.set()


@pytest.fixture
def store(tmp_path: Path, clock: WallClock, monkeypatch: pytest.MonkeyPatch) -> NotingStore:
    """A store in a new file, which is waited for however busy the machine is."""
    monkeypatch.setattr("wayhook.execution.token._LOOK_UP", 60)
    opened = NotingStore(tmp_path / "tokens.db", key=wh.literal_secret(KEY), clock=clock)
    opened.kept = asyncio.Event()
    return opened


def _again(store: wh.SqliteTokenStore, clock: FakeClock, key: str = KEY) -> wh.SqliteTokenStore:
    return wh.SqliteTokenStore(store.path, key=wh.literal_secret(key), clock=clock)


class TestSqliteTokenStore(TokenStoreContract):
    """The contract that other people's stores keep, too."""

    @pytest.fixture
    def store(self, tmp_path: Path, clock: FakeClock) -> wh.SqliteTokenStore:
        """A store in a new file."""
        return wh.SqliteTokenStore(tmp_path / "tokens.db", key=wh.literal_secret(KEY), clock=clock)

    @pytest.fixture
    def another(self, store: wh.SqliteTokenStore, clock: FakeClock) -> wh.SqliteTokenStore:
        """Another store of the same file, which is opened for each piece of work."""
        return _again(store, clock)


async def test_a_token_is_kept_over_a_restart(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """What one store keeps another of the same file gives, with the seconds that are left."""
    await store.put(DIGEST, wh.StoredToken(CANARY, 60))
    clock.pass_time(20)

    kept = await _again(store, clock).get(DIGEST)

    assert kept is not None
    assert (kept.text, kept.seconds) == (CANARY, pytest.approx(40))
    assert await store.get("cd" * 32) is None


@pytest.mark.parametrize(("hours", "is_there"), [(-24, False), (-0.0001, True), (0.9, True), (1, False), (24, False)])
async def test_the_wall_clock_ends_a_token_and_never_lengthens_it(
    store: wh.SqliteTokenStore, clock: WallClock, hours: float, *, is_there: bool
) -> None:
    """A clock that was set back by a day gives no token of the future, and none for longer than it was good."""
    await store.put(DIGEST, wh.StoredToken(CANARY, 3600))
    clock.set_by = timedelta(hours=hours)

    kept = await store.get(DIGEST)

    assert (kept is not None) is is_there
    assert kept is None or 0 < kept.seconds <= 3600


async def test_only_the_refused_token_is_dropped(store: wh.SqliteTokenStore) -> None:
    """A token that another process has kept meanwhile stays."""
    await store.put(DIGEST, wh.StoredToken("old", 60))
    await store.put(DIGEST, wh.StoredToken("new", 60))
    await store.drop(DIGEST, wh.StoredToken("old", 1))
    kept = await store.get(DIGEST)
    await store.drop(DIGEST, wh.StoredToken("new", 1))

    assert kept is not None
    assert kept.text == "new"
    assert await store.get(DIGEST) is None
    await store.drop(DIGEST, wh.StoredToken("new", 1))


async def test_the_file_shows_no_token_and_no_digest(store: wh.SqliteTokenStore) -> None:
    """Neither the token nor its digest stands in the file, which is its owner's alone."""
    await store.put(DIGEST, wh.StoredToken(CANARY, 60))

    written = b"".join(path.read_bytes() for path in store.path.parent.iterdir())

    assert CANARY.encode() not in written
    assert DIGEST.encode() not in written
    assert store.path.stat().st_mode & 0o077 == 0


async def test_another_key_finds_nothing(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """Under another key a token is as if absent."""
    await store.put(DIGEST, wh.StoredToken(CANARY, 60))

    assert await _again(store, clock, Fernet.generate_key().decode()).get(DIGEST) is None


async def test_a_row_that_was_moved_or_changed_is_not_believed(store: wh.SqliteTokenStore) -> None:
    """An encrypted token stands for its own key only, and not after a change."""
    other = "cd" * 32
    await store.put(DIGEST, wh.StoredToken(CANARY, 60))
    await store.put(other, wh.StoredToken("other", 60))
    with closing(sqlite3.connect(store.path)) as database, database:
        (first, sealed), (second, _) = database.execute("SELECT key, sealed FROM token").fetchall()
        database.execute("UPDATE token SET sealed = ? WHERE key = ?", (sealed, second))
        database.execute("UPDATE token SET sealed = ? WHERE key = ?", (b"x" + sealed, first))

    assert await store.get(DIGEST) is None
    assert await store.get(other) is None


async def test_what_ended_is_thrown_away(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """The next token that is kept takes those out that ended."""
    await store.put(DIGEST, wh.StoredToken("a", 60))
    clock.pass_time(61)
    await store.put("cd" * 32, wh.StoredToken("b", 60))

    with closing(sqlite3.connect(store.path)) as database:
        assert database.execute("SELECT count(*) FROM token").fetchone() == (1,)


async def test_a_file_of_somebody_else_is_refused_and_left(tmp_path: Path) -> None:
    """A repository, another database and a text are no stores of tokens, and stay as they were."""
    repository, foreign, text = tmp_path / "actions.db", tmp_path / "foreign.db", tmp_path / "notes.txt"
    async with wh.SqliteRepository(repository):
        pass
    with closing(sqlite3.connect(foreign)) as database, database:
        database.execute("CREATE TABLE mine (x)")
    text.write_text("not a database, and longer than the header of one" * 10)

    for path in (repository, foreign, text, tmp_path / "no" / "folder.db"):
        before = path.read_bytes() if path.exists() else None
        with pytest.raises(wh.StoreUnavailable):
            await wh.SqliteTokenStore(path, key=wh.literal_secret(KEY)).get(DIGEST)
        assert (path.read_bytes() if path.exists() else None) == before


async def test_a_key_that_is_none_is_told_without_its_text(tmp_path: Path) -> None:
    """A text that is no Fernet key is a missing secret; neither the message nor a frame shows it."""
    store = wh.SqliteTokenStore(tmp_path / "t.db", key=wh.secret("env:K"), secrets=FakeSecrets({"env:K": CANARY}))

    with pytest.raises(wh.SecretMissing, match="env:K is no Fernet key") as caught:
        await store.get(DIGEST)

    chain = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(chain.format())


@pytest.mark.parametrize(
    ("path", "key"), [("", wh.secret("env:K")), (3, wh.secret("env:K")), ("t.db", KEY), ("t.db", None)]
)
def test_wrong_settings_are_refused(path: Any, key: Any) -> None:
    """A path is a path, and a key is a secret, never a text."""
    with pytest.raises(wh.DefinitionError) as caught:
        wh.SqliteTokenStore(path, key=key)

    assert KEY not in str(caught.value)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store without cryptography is refused where it is made."""
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)

    with pytest.raises(wh.MissingExtra, match=r"wayhook\[encryption\]"):
        wh.SqliteTokenStore(tmp_path / "t.db", key=wh.secret("env:K"))


def test_a_token_has_no_text_form() -> None:
    """A token is not shown and not pickled."""
    token = wh.StoredToken(CANARY, 60)

    assert CANARY not in f"{token!r} {token}"
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(token)


def _action(**fields: Any) -> wh.Action:
    authorization = wh.CustomAuthorization(
        "https://auth.example.com/token", body_type="form", body_params={"client_secret": "plain-7f3a"}, **fields
    )
    return wh.Action(
        name="Ping",
        url_configuration=wh.UrlConfiguration("https://api.example.com/", method="POST"),
        authentication=authorization,
    )


class Service(FakeTransport):
    """Issues t-1, t-2, …, and refuses what is in `refused`."""

    def __init__(self, first: int = 1, refused: tuple[str, ...] = ()) -> None:
        super().__init__(self._reply)
        self.next, self.refused, self.called = first, refused, list[str]()

    def _reply(self, request: wh.Request) -> wh.Response:
        if request.url.endswith("/token"):
            self.next += 1
            return wh.Response(200, body=json.dumps({"access_token": f"t-{self.next - 1}"}).encode())
        self.called.append(dict(request.headers)["Authorization"])
        return wh.Response(401 if self.called[-1] in self.refused else 200)


async def test_executors_share_their_tokens(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """The second executor asks for no token, and has one in memory from then on."""
    first, second = Service(1), Service(8)

    async with wh.Executor(transport=first, tokens=store, clock=clock) as executor:
        await executor.call(_action())
    async with wh.Executor(transport=second, tokens=_again(store, clock), clock=clock) as executor:
        await executor.call(_action())
        store.path.unlink()
        await executor.call(_action())

    assert (first.called, second.called) == (["Bearer t-1"], ["Bearer t-1"] * 2)


async def test_a_refused_token_is_dropped_for_all(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """A token that was revoked is replaced once, in memory and in the store."""
    first, second = Service(1), Service(8, refused=("Bearer t-1",))
    third = Service(20)

    async with wh.Executor(transport=first, tokens=store, clock=clock) as executor:
        await executor.call(_action())
    for service in (second, third):
        async with wh.Executor(transport=service, tokens=store, clock=clock) as executor:
            await executor.call(_action())

    assert (second.called, third.called) == (["Bearer t-1", "Bearer t-8"], ["Bearer t-8"])


async def test_a_token_that_another_process_replaced_is_taken_over(store: NotingStore, clock: WallClock) -> None:
    """Who sees a 401 finds the token that somebody else got meanwhile, and makes no request for one."""
    refused = ("Bearer t-1",)
    late, early = Service(1), Service(8, refused=refused)

    async with wh.Executor(transport=late, tokens=store, clock=clock) as executor:
        await executor.call(_action())
        await store.kept.wait()
        async with wh.Executor(transport=early, tokens=store, clock=clock) as other:
            await other.call(_action())
        late.refused = refused
        outcome = await executor.call(_action())

    assert outcome.succeeded
    assert late.called == ["Bearer t-1", "Bearer t-1", "Bearer t-8"]


async def test_a_renewal_takes_not_the_token_that_ends(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """In the last minute the next token is asked for, and not found in the store where the old one still is."""
    service = Service()

    async with wh.Executor(transport=service, tokens=store, clock=clock, random=lambda: 0.0) as executor:
        await executor.call(_action())
        clock.pass_time(3541)
        await executor.call(_action())
        await asyncio.gather(*executor._means.tokens._tasks)
        await executor.call(_action())

    assert service.called == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]


async def test_a_refused_token_that_a_store_cannot_forget_is_not_used_again(clock: WallClock) -> None:
    """A store that gives the refused token once more is not believed, then and when the next one has ended."""

    class Stubborn:
        async def get(self, key: str) -> wh.StoredToken | None:
            return wh.StoredToken("t-0", 60)

        async def put(self, key: str, token: wh.StoredToken) -> None:
            raise wh.StoreUnavailable("full")

        async def drop(self, key: str, token: wh.StoredToken) -> None:
            raise wh.StoreUnavailable("full")

    service = Service(refused=("Bearer t-0",))

    async with wh.Executor(transport=service, tokens=Stubborn(), clock=clock) as executor:
        outcome = await executor.call(_action())
        clock.pass_time(3600)
        await executor.call(_action())

    assert outcome.succeeded
    assert service.called == ["Bearer t-0", "Bearer t-1", "Bearer t-2"]


@pytest.mark.parametrize("change", [{"cache_duration": wh.CacheDuration(0)}, {"headers": {"X-Scope": "write"}}])
async def test_other_tokens_are_not_taken(store: wh.SqliteTokenStore, clock: WallClock, change: dict[str, Any]) -> None:
    """What is asked for in another way is not the same token, and what is used once is not kept."""
    service = Service()

    for action in (_action(), _action(**change), _action(**change)):
        async with wh.Executor(transport=service, tokens=store, clock=clock) as executor:
            await executor.call(action)

    is_kept = "headers" in change
    assert service.called == ["Bearer t-1", "Bearer t-2", "Bearer t-2" if is_kept else "Bearer t-3"]


async def test_each_journey_has_its_own_stored_token(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """A token is not shared between journeys, in a store neither (R122)."""
    service, repository = Service(), wh.MemoryRepository()
    await repository.save(_action())
    for name in ("A", "B"):
        await repository.save(wh.Journey(name, [wh.ActionActivity("Ping", label="p")]))

    for name in ("A", "B", "A"):
        async with wh.Executor(repository, transport=service, tokens=store, clock=clock) as executor:
            await executor.execute(name, "p", wh.Context())

    assert service.called == ["Bearer t-1", "Bearer t-2", "Bearer t-1"]


async def test_a_store_that_cannot_be_used_harms_no_call(
    tmp_path: Path, clock: WallClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the file is none, the token is asked for and the log says why."""
    (tmp_path / "t.db").write_text("x" * 500)
    broken = wh.SqliteTokenStore(tmp_path / "t.db", key=wh.literal_secret(KEY), clock=clock)
    service = Service(refused=("Bearer t-1",))

    async with wh.Executor(transport=service, tokens=broken, clock=clock) as executor:
        outcome = await executor.call(_action())

    assert outcome.succeeded
    assert service.called == ["Bearer t-1", "Bearer t-2"]
    assert "the token store cannot be used" in caplog.text


class Slow:
    """A store that writes when `gate` is set. `kept`: the token's text, by key; `said`: what it was told."""

    def __init__(self) -> None:
        self.gate, self.kept, self.said = asyncio.Event(), dict[str, str](), list[str]()

    async def get(self, key: str) -> wh.StoredToken | None:
        self.said.append("get")
        return None

    async def put(self, key: str, token: wh.StoredToken) -> None:
        await self.gate.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        self.said.append(f"put {token.text}")
        self.kept[key] = token.text

    async def drop(self, key: str, token: wh.StoredToken) -> None:
        await self.gate.wait()
        self.said.append(f"drop {token.text}")
        if self.kept.get(key) == token.text:
            del self.kept[key]


async def test_nobody_waits_until_a_store_has_written(clock: WallClock) -> None:
    """A call has its token before the store keeps it; what is written comes in order, and before the executor ends."""
    store, service, before = Slow(), Service(refused=("Bearer t-1",)), asyncio.all_tasks()

    async with wh.Executor(transport=service, tokens=store, clock=clock) as executor:
        outcome = await executor.call(_action())
        said = list(store.said)
        store.gate.set()

    assert outcome.succeeded
    assert said == ["get", "get"]
    assert store.said[2:] == ["put t-1", "drop t-1", "put t-2"]
    assert list(store.kept.values()) == ["t-2"]
    assert asyncio.all_tasks() == before


async def test_a_token_that_is_kept_after_it_was_refused_is_not_used_again(clock: WallClock) -> None:
    """A store that keeps it late, and has not been told yet to forget it, is not believed."""

    class Late(Slow):
        """Keeps what it was given when it is asked the second time, and forgets it when `told`."""

        def __init__(self) -> None:
            super().__init__()
            self.told = asyncio.Event()

        async def get(self, key: str) -> wh.StoredToken | None:
            self.said.append("get")
            if self.said == ["get"]:
                return None
            self.gate.set()
            for _ in range(20):
                await asyncio.sleep(0)
            return wh.StoredToken(self.kept[key], 3600)

        async def drop(self, key: str, token: wh.StoredToken) -> None:
            await self.told.wait()
            await super().drop(key, token)

    store, service = Late(), Service(refused=("Bearer t-1",))

    async with wh.Executor(transport=service, tokens=store, clock=clock) as executor:
        outcome = await executor.call(_action())
        store.told.set()

    assert outcome.succeeded
    assert service.called == ["Bearer t-1", "Bearer t-2"]
    assert list(store.kept.values()) == ["t-2"]


async def test_nobody_waits_for_a_store_that_does_not_answer(
    clock: WallClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a second is lost, and no call; the log says why."""

    class Deaf(Slow):
        async def get(self, key: str) -> wh.StoredToken | None:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    store, service = Deaf(), Service()
    store.gate.set()

    async with wh.Executor(transport=service, tokens=store) as executor:
        outcome = await executor.call(_action(), timeout=1)

    assert outcome.succeeded
    assert "the token store did not answer" in caplog.text


async def test_a_file_that_another_process_locks_costs_no_call(store: wh.SqliteTokenStore, clock: WallClock) -> None:
    """While somebody else writes the token is asked for, and kept when the file is free again."""
    await store.get(DIGEST)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with wh.Executor(transport=Service(), tokens=store) as executor:
            outcome = await executor.call(_action(), timeout=1)
            other.execute("COMMIT")
        kept = other.execute("SELECT count(*) FROM token").fetchone()

    assert outcome.succeeded
    assert kept == (1,)


async def test_a_store_with_a_fault_of_its_own_harms_no_call(
    clock: WallClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises when it writes is logged by its kind, without its words."""

    class Broken(Slow):
        async def put(self, key: str, token: wh.StoredToken) -> None:
            raise KeyError(token.text)

    async with wh.Executor(transport=Service(), tokens=Broken(), clock=clock) as executor:
        outcome = await executor.call(_action())

    assert outcome.succeeded
    assert "the token store failed: KeyError" in caplog.text
    assert "t-1" not in caplog.text


async def test_leaving_waits_for_no_store_for_ever(clock: WallClock) -> None:
    """Who is cancelled while he leaves the executor leaves no task of the store behind."""
    store, before = Slow(), asyncio.all_tasks()

    async def use() -> None:
        async with wh.Executor(transport=Service(), tokens=store, clock=clock) as executor:
            await executor.call(_action())

    using = asyncio.create_task(use())
    for _ in range(100):
        await asyncio.sleep(0)
    under_way = len(asyncio.all_tasks() - before)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using

    assert under_way == 2
    assert asyncio.all_tasks() == before
    assert store.said == ["get"]


async def test_a_wrong_key_is_told_by_the_outcome(tmp_path: Path, clock: WallClock) -> None:
    """A store that can never work is a fault of the set-up: nothing is called behind its back."""
    store = wh.SqliteTokenStore(tmp_path / "t.db", key=wh.secret("env:K"), secrets=FakeSecrets({}), clock=clock)
    service = Service()

    async with wh.Executor(transport=service, tokens=store, clock=clock) as executor:
        outcome = await executor.call(_action())

    assert isinstance(outcome.cause, wh.SecretMissing)
    assert (outcome.delivery, service.called) == (wh.Delivery.REFUSED, [])
