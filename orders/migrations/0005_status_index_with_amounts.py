"""The index by status has the amounts too: the Trust report sums up a million orders from it alone."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("orders", "0004_mails")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["status", "-created_at", "-order_id"], include=("total_amount",), name="orders_by_status_amount"
            ),
        ),
        RemoveIndexConcurrently(model_name="order", name="orders_by_status"),
    ]
