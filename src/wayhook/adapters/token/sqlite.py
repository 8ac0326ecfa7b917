"""Access tokens in one SQLite file, encrypted: for several processes of one machine, and over restarts.

The one module that imports cryptography. A row shows when it ends, and nothing else: its key is a digest under the
encryption key, its token is encrypted together with that digest, so that no row can stand in for another.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import attrs

from wayhook.errors import DefinitionError, MissingExtra, SecretMissing, StoreUnavailable, Violation
from wayhook.execution.clock import SystemClock
from wayhook.execution.executor import SchemeSecrets
from wayhook.execution.ports import Clock, SecretSource, StoredToken
from wayhook.secret import LiteralSecret, Secret, SecretReference

__all__ = ["SqliteTokenStore"]

APPLICATION_ID = 0x57415954  # "WAYT"
_BUSY_SECONDS, _READ_SECONDS = 2.0, 0.4
"""How long another process is waited for that writes: by a writer, and by a reader, for whom a call waits."""
_SCHEMA = """
    CREATE TABLE token (key TEXT PRIMARY KEY, until REAL NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID
"""
_SKEW = 1.0
"""Seconds that the clock may be set back, as it is now and then, without a loss of tokens."""

_Result = TypeVar("_Result")


class SqliteTokenStore:
    """Keeps tokens in a file; see `TokenStore` for what each method promises. Needs the extra `encryption`.

    `path`: of the file, made for its owner alone when it is not there. `key`: a Fernet key, which
    `cryptography.fernet.Fernet.generate_key()` makes, as a secret; under another key the tokens are as if absent.
    `secrets`: looks the key up; by its scheme unless given. `clock`: for tests.
    Times are those of the wall clock, since a token outlives the process: a token that was kept in what is now the
    future, or is kept for longer than it was good for, is not given. Raises `MissingExtra` without the library,
    `SecretMissing` where the key is none, `StoreUnavailable` for a file that is no store of tokens.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        key: Secret,
        secrets: SecretSource | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
            raise DefinitionError([Violation("$.path", "give the path of a file")])
        if not isinstance(key, SecretReference | LiteralSecret):
            raise DefinitionError([Violation("$.key", "give the key as a secret: wayhook.secret('env:NAME')")])
        try:
            import cryptography.fernet  # noqa: F401 - a missing library is told here, not at the first token
        except ImportError:
            message = "keeping tokens in a file needs cryptography: pip install 'wayhook[encryption]'"
            raise MissingExtra(message) from None
        self.path = Path(path)
        self._key, self._secrets, self._clock = key, secrets or SchemeSecrets(), clock or SystemClock()

    async def get(self, key: str) -> StoredToken | None:
        """Return the token; see `TokenStore.get`."""
        cipher, now = await self._cipher(), self._clock.now().timestamp()
        row = await self._on_thread(
            lambda database: database.execute("SELECT sealed FROM token WHERE key = ?", (cipher.row(key),)).fetchone(),
            _READ_SECONDS,
        )
        return None if row is None else cipher.opened(key, row[0], now)

    async def put(self, key: str, token: StoredToken) -> None:
        """Keep the token; see `TokenStore.put`. What has ended is thrown away on the way."""
        cipher, now = await self._cipher(), self._clock.now()
        until = (now + timedelta(seconds=token.seconds)).timestamp()
        row = (cipher.row(key), until, cipher.sealed(key, token.text, now.timestamp(), until))

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM token WHERE until < ?", (now.timestamp(),))
            database.execute("INSERT OR REPLACE INTO token (key, until, sealed) VALUES (?, ?, ?)", row)

        await self._on_thread(write)

    async def drop(self, key: str, token: StoredToken) -> None:
        """Forget the token if it is this one; see `TokenStore.drop`."""
        cipher, now = await self._cipher(), self._clock.now().timestamp()

        def forget(database: sqlite3.Connection) -> None:
            row = (cipher.row(key),)
            found = database.execute("SELECT sealed FROM token WHERE key = ?", row).fetchone()
            kept = None if found is None else cipher.opened(key, found[0], now)
            if kept is not None and kept.text == token.text:
                database.execute("DELETE FROM token WHERE key = ?", row)

        await self._on_thread(forget)

    async def _cipher(self) -> _Cipher:
        cipher = _cipher(await self._text())
        if cipher is None:  # told where no frame holds the text
            made = "make one with cryptography.fernet.Fernet.generate_key()"
            raise SecretMissing(f"the secret {self._key.label} is no Fernet key; {made}")
        return cipher

    async def _text(self) -> str:
        return self._key.reveal() if isinstance(self._key, LiteralSecret) else await self._secrets.reveal(self._key)

    async def _on_thread(
        self, work: Callable[[sqlite3.Connection], _Result], seconds: float = _BUSY_SECONDS
    ) -> _Result:
        return await asyncio.to_thread(self._done, work, seconds)

    def _done(self, work: Callable[[sqlite3.Connection], _Result], seconds: float) -> _Result:
        """Do the work in one transaction, on a connection of its own: nothing is open between two of them."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self.path, timeout=seconds, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                self._check(database)
                result = work(database)
                database.execute("COMMIT")
                return result
        except (sqlite3.Error, OSError) as error:
            message = f"The store of tokens {self.path} cannot be used ({type(error).__name__}). It was left as it is."
            raise StoreUnavailable(message) from None

    def _check(self, database: sqlite3.Connection) -> None:
        """Refuse a file of somebody else, and make an empty one ours."""
        (application,) = database.execute("PRAGMA application_id").fetchone()
        if application == APPLICATION_ID:
            return
        if application or database.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise StoreUnavailable(f"The file {self.path} is no store of tokens. Give another path.")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(_SCHEMA)


def _cipher(key: str) -> _Cipher | None:
    from cryptography.fernet import Fernet

    try:
        return _Cipher(Fernet(key), hashlib.sha256(b"wayhook token row" + key.encode()).digest())
    except ValueError:
        return None


@attrs.frozen(repr=False)
class _Cipher:
    """Encrypts and decrypts the rows of a store under one key."""

    fernet: Any
    digest_key: bytes

    def row(self, key: str) -> str:
        """The name of a token's row: who has the file alone cannot try guesses on it."""
        return hmac.new(self.digest_key, key.encode(), "sha256").hexdigest()

    def sealed(self, key: str, text: str, since: float, until: float) -> bytes:
        """The token, encrypted with the key of its row and its times."""
        sealed: bytes = self.fernet.encrypt(json.dumps([key, text, since, until]).encode())
        return sealed

    def opened(self, key: str, sealed: bytes, now: float) -> StoredToken | None:
        """The token of a row; None where it ended, was kept in the future, or cannot be read under this key."""
        from cryptography.fernet import InvalidToken

        try:
            held: list[Any] = json.loads(self.fernet.decrypt(sealed))
        except InvalidToken:
            return None
        for_key, text, since, until = held
        is_usable = for_key == key and since - _SKEW <= now < until
        return StoredToken(text, min(until - now, until - since)) if is_usable else None
