"""The index by which a report as of a past moment finds what changed since."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("history", "0007_deleted_items")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("order_id__isnull", False)),
                fields=["occurred_at"],
                include=("order_id", "rev"),
                name="history_events_of_orders_by_at",
            ),
        )
    ]
