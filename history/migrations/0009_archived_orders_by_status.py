"""The index from which the Trust report sums up archived orders."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("history", "0008_events_by_time")]

    operations = [
        AddIndexConcurrently(
            model_name="archivedorder",
            index=models.Index(
                fields=["status", "created_at"], include=("total_amount",), name="archived_orders_by_status"
            ),
        ),
    ]
