"""The tables of the SQL repository, the same in PostgreSQL, MySQL, MariaDB and SQLite."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

__all__ = ["EDIT", "JOB", "METADATA", "NAMESPACE", "RECORD", "USE", "Document", "Name"]

NAME_BYTES = 1000
"""The longest name in UTF-8: five columns of a key stay below what MySQL takes for one."""

_MYSQL = ("mysql", "mariadb")


class _Bytes(mysql.VARBINARY):
    """Bytes that are given as text: MySQL takes a text for bytes as it stands on the wire, in UTF-8."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Leave the text as it is."""


class Name(TypeDecorator[str]):
    """A text that is told from every other one, and sorted by code points, whatever the database's collation is."""

    impl = Text
    cache_ok = True

    def __init__(self, length: int = NAME_BYTES) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Bytes in MySQL, whose collations ignore letter case or spaces at the end; collation `C` in PostgreSQL."""
        if dialect.name in _MYSQL:
            return dialect.type_descriptor(_Bytes(self.length))
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TEXT(collation="C"))
        return dialect.type_descriptor(Text())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - part of the signature
        """The text of what the column gave."""
        return value.decode() if isinstance(value, bytes) else value


Document = Text().with_variant(mysql.LONGTEXT(charset="utf8mb4"), *_MYSQL)
"""A document: JSON as text, which keeps every digit."""

_Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts in a column of just this type
_Author = String(200).with_variant(mysql.VARCHAR(200, charset="utf8mb4"), *_MYSQL)

METADATA = MetaData()

NAMESPACE = Table("wayhook_namespace", METADATA, Column("namespace", Name(64), primary_key=True))
"""A row for each namespace that was ever written: who holds it is the one who writes there."""

RECORD = Table(
    "wayhook_record",
    METADATA,
    Column("namespace", Name(64), primary_key=True),
    Column("kind", Name(16), primary_key=True),
    Column("name", Name(), primary_key=True),
    Column("document", Document, nullable=False),
    Column("version", Integer, nullable=False),
    Column("uid", String(32), nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("author", _Author, nullable=False),
)

USE = Table(
    "wayhook_use",
    METADATA,
    Column("namespace", Name(64), primary_key=True),
    Column("kind", Name(16), primary_key=True),
    Column("name", Name(), primary_key=True),
    Column("user_kind", Name(16), primary_key=True),
    Column("user_name", Name(), primary_key=True),
    Index("wayhook_use_by_user", "namespace", "user_kind", "user_name"),
)

EDIT = Table(
    "wayhook_edit",
    METADATA,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("namespace", Name(64), nullable=False),
    Column("kind", Name(16), nullable=False),
    Column("name", Name(), nullable=False),
    Column("what", String(16), nullable=False),
    Column("document", Document, nullable=False),
    Column("version", Integer, nullable=False),
    Column("uid", String(32), nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("author", _Author, nullable=False),
    Index("wayhook_edit_by_name", "namespace", "kind", "name", "uid"),
    Index("wayhook_edit_by_uid", "uid", "number"),
)

JOB = Table(
    "wayhook_job",
    METADATA,
    Column("queue", Name(64), primary_key=True),
    Column("delivery_id", Name(255), primary_key=True),
    Column("document", Document, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due", BigInteger),
    Column("announced", BigInteger),
    Column("announcements", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("holder", String(32), nullable=False),
    Column("reason", Document, nullable=False),
    Column("ending", Document),
    Column("settled", BigInteger),
    Index("wayhook_job_by_due", "queue", "due"),
    Index("wayhook_job_by_announced", "queue", "announced"),
    Index("wayhook_job_by_state", "queue", "state", "delivery_id"),
)
"""Jobs that were handed over: `due` and `announced` are null where one has ended."""
