"""What was written since a moment is found by the transaction that wrote it: the API's changed_since."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# In two steps: added together with its default, the column would be written into every row.
ADD = """
ALTER TABLE archived_orders ADD COLUMN transaction_id bigint;
ALTER TABLE archived_orders ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()::text::bigint;
"""


class Migration(migrations.Migration):
    atomic = False  # indexes of large tables are made while the shop writes
    dependencies = [("history", "0032_parked_rows_message")]

    operations = [
        migrations.RunSQL(
            ADD,
            "ALTER TABLE archived_orders DROP COLUMN transaction_id",
            state_operations=[
                migrations.AddField(
                    "archivedorder",
                    "transaction_id",
                    models.BigIntegerField(
                        null=True,
                        editable=False,
                        db_default=models.Func(
                            template="pg_current_xact_id()::text::bigint", output_field=models.BigIntegerField()
                        ),
                    ),
                )
            ],
        ),
        AddIndexConcurrently(
            "archivedorder", models.Index(fields=["transaction_id"], name="archived_orders_by_writing")
        ),
        AddIndexConcurrently(
            "archivedorder", models.Index(fields=["archived_at"], name="archived_orders_by_archiving")
        ),
        AddIndexConcurrently(
            "event",
            BrinIndex(
                fields=["transaction_id", "recorded_at"],
                pages_per_range=32,
                autosummarize=True,
                name="history_events_by_writing",
            ),
        ),
    ]
