"""What Alembic runs: the steps on a connection that was handed over, or as a script."""

from alembic import context

from wayhook.adapters.repository.sql_tables import METADATA

given = context.config.attributes
if "connection" in given:
    context.configure(connection=given["connection"], target_metadata=METADATA, version_table="wayhook_migration")
else:
    context.configure(
        dialect_name=given["dialect"], target_metadata=METADATA, version_table="wayhook_migration", literal_binds=True
    )
with context.begin_transaction():
    context.run_migrations()
