"""The records of one namespace in Redis: what is read at once, and what is written in one transaction.

All keys of a namespace have the same hash tag, so that a cluster keeps them on one node. Below `{prefix:namespace}`:
`revision` counts what was written, `record:<kind>` is a hash of names to records, `names:<kind>` the names in order,
`users:<kind>` a hash of names to the users of each, `uids:<kind>` a hash of names to the records that ever had them,
and `edits:<uid>` the list of what was done to one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from redis import Redis
from redis.client import Pipeline

from wayhook.formats.document import dump, load
from wayhook.model.record import KINDS, Change, Edit, Stored, is_name, kind_of, uses

__all__ = ["RedisShelf"]


class RedisShelf:
    """What is kept in a namespace, as a `Shelf`, read through a client or a pipeline that watches."""

    def __init__(self, client: Redis | Pipeline, prefix: str, namespace: str) -> None:
        self._client: Any = client  # the methods of both are typed for sync and async at once
        self._below = f"{{{prefix}:{namespace}}}:"

    @property
    def revision(self) -> str:
        """The key that changes with every write: who watches it is told of any other writer."""
        return self._key("revision")

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        """Return the record of that kind and name, or None."""
        text = self._client.hget(self._key("record", kind), name) if is_name(name) else None
        return None if text is None else _stored(json.loads(text))

    def users(self, kind: type[Any], name: str) -> Iterable[Stored[Any]]:
        """Return the records whose values use that one, by kind and name."""
        found = (self.find(KINDS[user_kind], user) for user_kind, user in self.user_names(kind, name))
        return tuple(stored for stored in found if stored is not None)

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        """Return kind and name of each record that uses that one."""
        return [(user_kind, user) for user_kind, user in self._listed("users", kind, name)]

    def every(self, kind: type[Any]) -> Iterable[Stored[Any]]:
        """Return all records of a kind."""
        return tuple(_stored(json.loads(text)) for text in self._client.hvals(self._key("record", kind)))

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        """Return at most `limit` records with names after that one, by name."""
        start = b"(" + after.encode() if after else b"-"
        names = self._client.zrange(self._key("names", kind), start, b"+", bylex=True, offset=0, num=limit)
        texts = self._client.hmget(self._key("record", kind), names) if names else ()
        return [_stored(json.loads(text)) for text in texts if text is not None]

    def edits(self, kind: type[Any], name: str, limit: int) -> list[Edit[Any]]:
        """Return the last steps of the records that ever had the name, the newest first."""
        return self._steps(kind, name, -limit)[: -limit - 1 : -1]

    def last_edits(self, kind: type[Any], name: str, when: datetime) -> list[Edit[Any]]:  # noqa: ARG002 - all of them
        """Return all steps of the records that ever had the name, in the order in which they were made."""
        return self._steps(kind, name, 0)

    def _steps(self, kind: type[Any], name: str, start: int) -> list[Edit[Any]]:
        """The steps of each record that ever had the name from that place of its list on, in their order."""
        lines = [
            json.loads(line)
            for uid in self._listed("uids", kind, name)
            for line in self._client.lrange(self._key(f"edits:{uid}"), start, -1)
        ]
        lines.sort(key=lambda line: line["number"])
        return [Edit(line["what"], _stored(line)) for line in lines]

    def apply(self, change: Change, pipeline: Pipeline) -> None:
        """Put what `change` comes to into `pipeline`; what it needs to know is read before."""
        users: dict[tuple[str, str], set[tuple[str, str]]] = {}
        uids: dict[tuple[str, str], list[str]] = {}
        gone = [stored for kind, name in change.removed if (stored := self.find(kind, name)) is not None]
        old = [self.find(type(stored.value), stored.value.name) for stored in change.written]
        for stored, is_there in (*((stored, False) for stored in (*gone, *old) if stored), *_all_there(change.written)):
            for kind, name in uses(stored.value):
                known = users.setdefault((kind_of(kind), name), set(self.user_names(kind, name)))
                user = (kind_of(stored.value), stored.value.name)
                known.add(user) if is_there else known.discard(user)
        for edit in change.edits:
            kind, name = type(edit.stored.value), edit.stored.value.name
            listed = uids.setdefault((kind_of(kind), name), self._listed("uids", kind, name))
            if edit.stored.uid not in listed:
                listed.append(edit.stored.uid)
        number = int(self._client.get(self.revision) or 0)
        writing: Any = pipeline
        writing.multi()
        writing.incr(self.revision)
        for kind, name in change.removed:
            writing.hdel(self._key("record", kind), name)
            writing.zrem(self._key("names", kind), name)
        for stored in change.written:
            writing.hset(self._key("record", type(stored.value)), stored.value.name, json.dumps(_line(stored)))
            writing.zadd(self._key("names", type(stored.value)), {stored.value.name: 0})
        for (word, name), known in users.items():
            writing.hset(self._key("users", KINDS[word]), name, json.dumps(sorted(known)))
        for (word, name), listed in uids.items():
            writing.hset(self._key("uids", KINDS[word]), name, json.dumps(listed))
        for place, edit in enumerate(change.edits):
            line = {"number": [number, place], "what": edit.what, **_line(edit.stored)}
            writing.rpush(self._key(f"edits:{edit.stored.uid}"), json.dumps(line))

    def _listed(self, what: str, kind: type[Any], name: str) -> list[Any]:
        text = self._client.hget(self._key(what, kind), name) if is_name(name) else None
        return [] if text is None else json.loads(text)

    def _key(self, what: str, kind: type[Any] | None = None) -> str:
        return self._below + what + (f":{kind_of(kind)}" if kind is not None else "")


def _all_there(written: Iterable[Stored[Any]]) -> Iterable[tuple[Stored[Any], bool]]:
    return ((stored, True) for stored in written)


def _line(stored: Stored[Any]) -> dict[str, Any]:
    return {
        "document": dump(stored.value),
        "version": stored.version,
        "uid": stored.uid,
        "saved": stored.saved.isoformat() if stored.saved else None,
        "by": stored.by,
    }


def _stored(line: dict[str, Any]) -> Stored[Any]:
    saved = None if line["saved"] is None else datetime.fromisoformat(line["saved"])
    return Stored(load(line["document"]), line["version"], line["uid"], saved, line["by"])
