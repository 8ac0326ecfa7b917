"""Records, what uses them, their history, and the namespaces.

What stands here stays as it is, whatever becomes of the tables: a later step changes them.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text
from sqlalchemy.dialects import mysql

from wayhook.adapters.repository.sql_tables import Name

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MYSQL = ("mysql", "mariadb")
_document = Text().with_variant(mysql.LONGTEXT(charset="utf8mb4"), *_MYSQL)
_author = String(200).with_variant(mysql.VARCHAR(200, charset="utf8mb4"), *_MYSQL)
_number = BigInteger().with_variant(Integer(), "sqlite")


def _state() -> list[Column[object]]:
    return [
        Column("document", _document, nullable=False),
        Column("version", Integer, nullable=False),
        Column("uid", String(32), nullable=False),
        Column("saved", BigInteger, nullable=False),
        Column("author", _author, nullable=False),
    ]


def upgrade() -> None:
    """Make them."""
    op.create_table("wayhook_namespace", Column("namespace", Name(64), primary_key=True))
    op.create_table(
        "wayhook_record",
        Column("namespace", Name(64), primary_key=True),
        Column("kind", Name(16), primary_key=True),
        Column("name", Name(), primary_key=True),
        *_state(),
    )
    op.create_table(
        "wayhook_use",
        Column("namespace", Name(64), primary_key=True),
        Column("kind", Name(16), primary_key=True),
        Column("name", Name(), primary_key=True),
        Column("user_kind", Name(16), primary_key=True),
        Column("user_name", Name(), primary_key=True),
    )
    op.create_index("wayhook_use_by_user", "wayhook_use", ["namespace", "user_kind", "user_name"])
    op.create_table(
        "wayhook_edit",
        Column("number", _number, primary_key=True, autoincrement=True),
        Column("namespace", Name(64), nullable=False),
        Column("kind", Name(16), nullable=False),
        Column("name", Name(), nullable=False),
        Column("what", String(16), nullable=False),
        *_state(),
    )
    op.create_index("wayhook_edit_by_name", "wayhook_edit", ["namespace", "kind", "name", "uid"])
    op.create_index("wayhook_edit_by_uid", "wayhook_edit", ["uid", "number"])


def downgrade() -> None:
    """Drop them, with all that is kept."""
    for table in ("wayhook_edit", "wayhook_use", "wayhook_record", "wayhook_namespace"):
        op.drop_table(table)
