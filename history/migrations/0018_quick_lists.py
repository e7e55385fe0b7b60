"""The indexes by which the back office sorts archived orders by their total, and finds the events of a time."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("history", "0017_archive")]

    operations = [
        AddIndexConcurrently(
            "archivedorder", models.Index(fields=["total_amount", "order_id"], name="archived_orders_by_total")
        ),
        AddIndexConcurrently(
            "event",
            BrinIndex(fields=["occurred_at"], pages_per_range=32, autosummarize=True, name="history_events_by_time"),
        ),
    ]
