"""The files of one namespace in a folder, and the journal beside them: read as they are, changed all or none."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import attrs

from wayhook.adapters.repository.folder_text import SUFFIXES, read, written
from wayhook.errors import DefinitionError, DocumentError, StoreUnavailable, Violation
from wayhook.formats.document import dump, load
from wayhook.model.record import KINDS, Change, Chronicle, Edit, Records, Stored, is_name, kind_of

__all__ = ["World"]

FOLDERS = {word: f"{word}s" for word in KINDS}
_LONGEST = 240  # bytes of a file's name before its suffix: no file system takes more than 255
_Stamp = tuple[int, int, int]


@attrs.frozen
class _File:
    """A file as it was read: its stamp, its text, and what it holds or what is wrong with it."""

    stamp: _Stamp
    text: str = ""
    value: Any = None
    fault: str = ""


class World:
    """What one namespace holds. `refresh` first, inside of the lock; then everything is as the files are.

    A file that somebody changed, added or took away by hand is a step like any other: the record has the next version,
    by nobody that is known, and the journal tells it with the next save.
    """

    def __init__(self, root: Path, namespace: str, suffix: str) -> None:
        self._folder = root if namespace == "default" else root / "namespaces" / namespace
        self._aside = root / ".wayhook"
        self._journal = self._aside / f"{namespace}.jsonl"
        self._pending = self._aside / f"{namespace}.pending"
        self._suffix = suffix
        self._files: dict[Path, _File] = {}
        self._told = 0
        self._outside: tuple[Edit[Any], ...] = ()
        self.records, self.chronicle = Records(), Chronicle()

    def refresh(self) -> None:
        """Read what has changed since the last time."""
        if self._pending.exists():
            self._recover()
        steps = self._journal_steps()
        files = dict(self._scanned())
        if not steps and files.keys() == self._files.keys() and all(files[path] is self._files[path] for path in files):
            return
        self._files = files
        self.chronicle.add(steps)
        self._compare()

    def find(self, kind: type[Any], name: str) -> Stored[Any] | None:
        """Return the record of that kind and name, or None; raises `StoreUnavailable` where its file cannot be read."""
        if not is_name(name) or len(stem := _stem(name)) > _LONGEST:
            return None
        for suffix in SUFFIXES:
            file = self._files.get(self._folder / FOLDERS[kind_of(kind)] / f"{stem}{suffix}")
            if file is not None and file.fault:
                raise StoreUnavailable(file.fault)
        return self.records.find(kind, name)

    def users(self, kind: type[Any], name: str) -> tuple[Stored[Any], ...]:
        """Return the records whose values use that one, by kind and name; raises as `every`."""
        self._require_whole()
        return self.records.users(kind, name)

    def user_names(self, kind: type[Any], name: str) -> list[tuple[str, str]]:
        """Return kind and name of each record that uses that one; raises as `every`."""
        return [(kind_of(user.value), user.value.name) for user in self.users(kind, name)]

    def every(self, kind: type[Any]) -> tuple[Stored[Any], ...]:
        """Return all records of a kind; raises `StoreUnavailable` that names every file which cannot be read."""
        self._require_whole()
        return self.records.every(kind)

    def page(self, kind: type[Any], after: str, limit: int) -> list[Stored[Any]]:
        """Return at most `limit` records with names after that one, by name; raises as `every`."""
        return list(itertools.islice((stored for stored in self.every(kind) if stored.value.name > after), limit))

    def edits(self, kind: type[Any], name: str, limit: int) -> list[Edit[Any]]:
        """Return the last steps of the records that ever had the name, the newest first.

        What was done by hand is told from the next save on.
        """
        return self.chronicle.edits(kind, name)[: -limit - 1 : -1]

    def last_edits(self, kind: type[Any], name: str, when: datetime) -> list[Edit[Any]]:  # noqa: ARG002 - all of them
        """Return all steps of the records that ever had the name, in the order in which they were made."""
        return self.chronicle.edits(kind, name)

    def _require_whole(self) -> None:
        faults = [file.fault for file in self._files.values() if file.fault]
        if faults:
            raise StoreUnavailable("\n".join(faults))

    def commit(self, change: Change) -> None:
        """Carry `change` out on disk, all of it or nothing, with what was done by hand before it told as well.

        Raises as `every`: while a file cannot be read nothing is changed.
        """
        self._require_whole()
        journal = "".join(_line(edit) for edit in (*self._outside, *change.edits))
        plan = {"files": self._texts(change), "journal": journal, "told": self._told}
        _write(self._pending, json.dumps(plan))
        self._recover()
        self.refresh()

    def _recover(self) -> None:
        """Do what is pending, as often as it takes; raises `StoreUnavailable` where it cannot be read."""
        try:
            plan = json.loads(self._pending.read_text(encoding="utf-8"))
            files, journal_text, told = dict(plan["files"]), str(plan["journal"]), int(plan["told"])
        except (ValueError, TypeError, KeyError):
            message = f"{self._pending.name} is damaged. Take it away: the save that it was for is lost then."
            raise StoreUnavailable(message) from None
        for name, text in files.items():
            if text is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                _write(self._folder / name, text)
        with self._journal.open("a+b") as journal:
            journal.truncate(told)
            journal.write(journal_text.encode())
            journal.flush()
            os.fsync(journal.fileno())
        self._pending.unlink()

    def _journal_steps(self) -> list[Edit[Any]]:
        """The steps that the journal tells beyond those that are known."""
        try:
            with self._journal.open("rb") as journal:
                size = os.fstat(journal.fileno()).st_size
                if size < self._told:  # another journal was put here
                    self._told, self._files, self.chronicle = 0, {}, Chronicle()
                journal.seek(self._told)
                lines = journal.read(size - self._told)
        except FileNotFoundError:
            return []
        self._told += len(lines)
        try:
            return [_edit(json.loads(line)) for line in lines.splitlines()]
        except (ValueError, TypeError, KeyError, DocumentError):
            message = f"{self._journal.name} is damaged. Restore it, or take it away: its history is lost then."
            raise StoreUnavailable(message) from None

    def _scanned(self) -> Iterator[tuple[Path, _File]]:
        """Every file of the namespace; one that has its old stamp is not read again."""
        for word, folder in FOLDERS.items():
            here = self._folder / folder
            for entry in sorted(os.scandir(here), key=lambda entry: entry.name) if here.is_dir() else ():
                path = Path(entry.path)
                if path.suffix in SUFFIXES and not entry.name.startswith(".new-"):
                    status = entry.stat()
                    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
                    known = self._files.get(path)
                    yield path, known if known and known.stamp == stamp else self._read(path, word, stamp)

    def _read(self, path: Path, word: str, stamp: _Stamp) -> _File:
        shown, name = path.relative_to(self._folder), unquote(path.stem)
        try:
            text = path.read_text(encoding="utf-8")
            value = read(text, path.suffix)
        except UnicodeDecodeError:
            return _File(stamp, fault=f"{shown}: a file is UTF-8")
        except DocumentError as error:
            return _File(stamp, fault="\n".join(f"{shown}: {line}" for line in str(error).splitlines()))
        if (kind_of(value), value.name) != (word, name):
            message = f"it holds the {kind_of(value)} {value.name!r}, and is called after the {word} {name!r}"
            return _File(stamp, fault=f"{shown}: {message}; rename one of them")
        return _File(stamp, text, value)

    def _compare(self) -> None:
        """Hold the files against the journal: what stands there, and what was done by hand."""
        last = {(type(stored.value), stored.value.name): stored for stored in self.chronicle.standing()}
        found: dict[tuple[type[Any], str], Stored[Any]] = {}
        outside = []
        for path, file in self._files.items():
            if file.fault:
                continue
            key = (type(file.value), file.value.name)
            if key in found:
                message = f"{path.name}: another file holds the {kind_of(file.value)} {key[1]!r}; take one away"
                self._files[path] = attrs.evolve(file, fault=message)
                continue
            known = last.pop(key, None)
            if known is not None and known.value == file.value:
                found[key] = known
                continue
            found[key] = _by_hand(file, known, len(self.chronicle.edits(*key)))
            outside.append(Edit("changed" if known else "created", found[key]))
        faulty = {(path.parent.name, unquote(path.stem)) for path, file in self._files.items() if file.fault}
        for (kind, name), stored in last.items():
            if (FOLDERS[kind_of(kind)], name) not in faulty:
                now = max(filter(None, (datetime.now(UTC), stored.saved)))
                outside.append(Edit("deleted", attrs.evolve(stored, saved=now, by="")))
        self.records, self._outside = Records.of(found.values()), tuple(outside)

    def _texts(self, change: Change) -> dict[str, str | None]:
        """The text of every file that changes; None for one that goes."""
        uids = {stored.uid: stored for kind, name in change.removed if (stored := self.records.find(kind, name))}
        texts: dict[str, str | None] = {}
        for kind, name in change.removed:
            texts[str(self._path(kind_of(kind), name).relative_to(self._folder))] = None
        for stored in change.written:
            before = uids.get(stored.uid) or self.records.find(type(stored.value), stored.value.name)
            source = None if before is None else self._path(kind_of(before.value), before.value.name)
            target = self._path(kind_of(stored.value), stored.value.name, source.suffix if source else "")
            text = self._files[source].text if source in self._files else None
            texts[str(target.relative_to(self._folder))] = written(stored.value, target.suffix, text)
        return texts

    def _path(self, word: str, name: str, suffix: str = "") -> Path:
        """The file of a name: the one that is there, or the one that will be."""
        stem, folder = _stem(name), self._folder / FOLDERS[word]
        if len(stem) > _LONGEST:
            raise DefinitionError([Violation("$.name", "this name is too long for the name of a file; shorten it")])
        paths = [folder / f"{stem}{each}" for each in SUFFIXES]
        return next((path for path in paths if path in self._files), folder / f"{stem}{suffix or self._suffix}")


def _stem(name: str) -> str:
    """A name as that of a file, without its suffix; what no file may be called is percent-encoded."""
    return quote(name, safe=" ")


def _by_hand(file: _File, known: Stored[Any] | None, steps: int) -> Stored[Any]:
    """The record of a file that somebody wrote by hand, as of when the file says.

    `steps`: of all that had its name; a record that nobody has told yet is known by them, however often it is read.
    """
    changed = datetime.fromtimestamp(file.stamp[0] / 1e9, UTC)
    if known is not None:
        saved = changed if known.saved is None else max(known.saved, changed)
        return Stored(file.value, known.version + 1, known.uid, saved)
    named = f"{kind_of(file.value)} {file.value.name} {steps}"
    return Stored(file.value, 1, hashlib.sha256(named.encode()).hexdigest()[:32], changed)


def _line(edit: Edit[Any]) -> str:
    stored = edit.stored
    said = {
        "what": edit.what,
        "version": stored.version,
        "uid": stored.uid,
        "saved": stored.saved.isoformat() if stored.saved else None,
        "by": stored.by,
        "document": dump(stored.value),
    }
    return json.dumps(said, ensure_ascii=False) + "\n"


def _edit(line: dict[str, Any]) -> Edit[Any]:
    saved = None if line["saved"] is None else datetime.fromisoformat(line["saved"])
    return Edit(line["what"], Stored(load(line["document"]), line["version"], line["uid"], saved, line["by"]))


def _write(path: Path, text: str) -> None:
    """Put a whole file in the place of the one before, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".new-{uuid4().hex}")
    try:
        with new.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
