"""The index by which the back office sorts orders by their total."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("orders", "0006_refunds")]

    operations = [
        AddIndexConcurrently("order", models.Index(fields=["total_amount", "order_id"], name="orders_by_total")),
    ]
