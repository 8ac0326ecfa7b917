"""The contract of a store of access tokens, as tests. Subclass it; every test must pass.

    class TestMine(TokenStoreContract):
        @pytest.fixture
        def store(self, clock):
            return MyTokenStore(..., clock=clock)

Needs pytest and pytest-asyncio (or another plug-in that runs async tests).
"""

from __future__ import annotations

import asyncio

import pytest

from wayhook.execution.executor import Executor
from wayhook.execution.ports import StoredToken, TokenStore
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.authorization import OAuthClientCredentials
from wayhook.secret import literal_secret
from wayhook.testing.fakes import FakeClock, FakeTransport
from wayhook.wire import Request, Response

__all__ = ["TokenStoreContract"]

_KEY, _OTHER = "ab" * 32, "ab" * 31 + "ac"
_ENDPOINT = "https://auth.example.com/token"
_LONGEST = 10 * 365 * 86_400
_TOKENS = {
    "one character": "~",
    "the longest": "x" * 8_192,
    "signs": "'; DROP TABLE token; -- %s {0} \\n \" <&> */+=",
}


class _Service(FakeTransport):
    """Issues the tokens t-1, t-2, … from `first` on, and answers 401 to those in `refused`."""

    def __init__(self, first: int, *refused: str) -> None:
        super().__init__(self._reply)
        self._next, self._refused = first, {f"Bearer {text}" for text in refused}
        self.called: list[str] = []

    def _reply(self, request: Request) -> Response:
        if request.url == _ENDPOINT:
            self._next += 1
            return Response(200, body=b'{"access_token": "t-%d", "expires_in": 3600}' % (self._next - 1))
        self.called.append(dict(request.headers)["Authorization"])
        return Response(401 if self.called[-1] in self._refused else 200)


async def _called(service: _Service, store: TokenStore, clock: FakeClock | None) -> None:
    """One call by an executor of its own, as another process would make it."""
    action = Action(
        name="Ping",
        url_configuration=UrlConfiguration("https://api.example.com/", method="PUT"),
        authentication=OAuthClientCredentials(_ENDPOINT, "me", literal_secret("a-secret-text")),
    )
    async with Executor(transport=service, tokens=store, clock=clock) as executor:
        outcome = await executor.call(action)
    assert outcome.succeeded


class TokenStoreContract:
    """What every store of access tokens keeps, whatever it keeps them in; see `wayhook.TokenStore`."""

    @pytest.fixture
    def clock(self) -> FakeClock | None:
        """Return the clock that the tests move: give it to the store.

        Override it with None where the store has no clock that could be given to it; then what needs one is skipped.
        """
        return FakeClock()

    @pytest.fixture
    def store(self) -> TokenStore:
        """Return an empty store; override this one fixture."""
        raise NotImplementedError("override the fixture 'store'")

    @pytest.fixture
    def another(self, store: TokenStore) -> TokenStore:
        """Return what another process would open: another store of the same place. Override it where there is one."""
        return store

    @pytest.mark.parametrize("text", _TOKENS.values(), ids=_TOKENS)
    async def test_a_token_comes_back_as_it_was(self, store: TokenStore, another: TokenStore, text: str) -> None:
        """Whatever visible ASCII characters it has, for all who look for it, and for longer than anybody waits."""
        await store.put(_KEY, StoredToken(text, _LONGEST))

        kept = [await one.get(_KEY) for one in (store, another)]

        assert [token.text for token in kept if token is not None] == [text, text]
        assert all(_LONGEST - 60 < token.seconds <= _LONGEST for token in kept if token is not None)

    async def test_what_is_not_kept_is_none(self, store: TokenStore) -> None:
        """Each key is its own, however alike it looks; what is not there is no error, and neither is dropping it."""
        await store.put(_KEY, StoredToken("a", 60))
        await store.drop(_OTHER, StoredToken("a", 60))

        assert await store.get(_OTHER) is None
        kept = await store.get(_KEY)
        assert kept is not None
        assert kept.text == "a"

    async def test_the_last_one_is_kept(self, store: TokenStore, another: TokenStore) -> None:
        """A token takes the place of the one before, whoever kept that."""
        await store.put(_KEY, StoredToken("a", 60))
        await another.put(_KEY, StoredToken("b", 30))

        kept = await store.get(_KEY)

        assert kept is not None
        assert (kept.text, kept.seconds <= 30) == ("b", True)

    async def test_only_the_refused_token_is_dropped(self, store: TokenStore, another: TokenStore) -> None:
        """A token that somebody else has kept meanwhile stays; the refused one is gone for all."""
        await store.put(_KEY, StoredToken("old", 60))
        await another.put(_KEY, StoredToken("new", 60))
        await store.drop(_KEY, StoredToken("old", 60))
        kept = await another.get(_KEY)
        await another.drop(_KEY, StoredToken("new", 60))

        assert kept is not None
        assert kept.text == "new"
        assert [await one.get(_KEY) for one in (store, another)] == [None, None]

    async def test_a_drop_takes_no_token_that_is_kept_at_the_same_time(
        self, store: TokenStore, another: TokenStore
    ) -> None:
        """Whichever comes first, the refused token is gone and the new one is there: a drop looks and acts in one."""
        left = []
        for _ in range(20):
            await store.put(_KEY, StoredToken("old", 60))
            await asyncio.gather(store.drop(_KEY, StoredToken("old", 60)), another.put(_KEY, StoredToken("new", 60)))
            left.append(await store.get(_KEY))

        assert [None if token is None else token.text for token in left] == ["new"] * 20

    async def test_many_use_it_at_the_same_time(self, store: TokenStore, another: TokenStore) -> None:
        """Nobody is turned away, and nobody gets the token of another key."""
        keys = [f"{number:064x}" for number in range(10)]

        async def use(key: str, one: TokenStore) -> str | None:
            await one.put(key, StoredToken(f"token-{key}", 60))
            kept = await one.get(key)
            return None if kept is None else kept.text

        found = await asyncio.gather(*(use(key, one) for key in keys for one in (store, another)))

        assert found == [f"token-{key}" for key in keys for _ in range(2)]

    async def test_a_token_ends(self, store: TokenStore, another: TokenStore, clock: FakeClock | None) -> None:
        """What is given is good for the seconds that are left of it, and nothing is when they are over."""
        if clock is None:
            pytest.skip("the store has no clock that could be given to it")
        await store.put(_KEY, StoredToken("a", 60))
        clock.pass_time(20)
        kept = await another.get(_KEY)
        clock.pass_time(41)
        ended = await another.get(_KEY)

        assert kept is not None
        assert kept.text == "a"
        assert kept.seconds == pytest.approx(40, abs=1)
        assert ended is None or ended.seconds == 0

    async def test_no_text_form_shows_a_token(self, store: TokenStore) -> None:
        """The store may be printed and logged."""
        await store.put(_KEY, StoredToken("canary-7f3a", 60))
        await store.get(_KEY)

        assert "canary-7f3a" not in f"{store!r} {store}"

    async def test_executors_share_a_token(
        self, store: TokenStore, another: TokenStore, clock: FakeClock | None
    ) -> None:
        """Who comes later asks for none; a token that is refused is replaced once, for all."""
        first, second, third = _Service(1), _Service(8, "t-1"), _Service(20)

        for service, one in ((first, store), (second, another), (third, store)):
            await _called(service, one, clock)

        assert [first.called, second.called, third.called] == [
            ["Bearer t-1"],
            ["Bearer t-1", "Bearer t-8"],
            ["Bearer t-8"],
        ]
