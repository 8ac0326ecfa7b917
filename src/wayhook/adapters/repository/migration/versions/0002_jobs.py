"""Jobs that were handed over.

What stands here stays as it is, whatever becomes of the tables: a later step changes them.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text
from sqlalchemy.dialects import mysql

from wayhook.adapters.repository.sql_tables import Name

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_document = Text().with_variant(mysql.LONGTEXT(charset="utf8mb4"), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "wayhook_job",
        Column("queue", Name(64), primary_key=True),
        Column("delivery_id", Name(255), primary_key=True),
        Column("document", _document, nullable=False),
        Column("state", String(16), nullable=False),
        Column("due", BigInteger),
        Column("announced", BigInteger),
        Column("announcements", Integer, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("deliveries", Integer, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("holder", String(32), nullable=False),
        Column("reason", _document, nullable=False),
        Column("ending", _document),
        Column("settled", BigInteger),
    )
    op.create_index("wayhook_job_by_due", "wayhook_job", ["queue", "due"])
    op.create_index("wayhook_job_by_announced", "wayhook_job", ["queue", "announced"])
    op.create_index("wayhook_job_by_state", "wayhook_job", ["queue", "state", "delivery_id"])


def downgrade() -> None:
    """Drop it, with all jobs."""
    op.drop_table("wayhook_job")
