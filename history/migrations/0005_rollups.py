"""The queue of days whose rollups are behind, the versions of their documents, and what finds archived orders by day."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0004_mirror_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirtyDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("queued_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("since", models.DateTimeField()),
            ],
            options={
                "db_table": "rollup_queue",
                "default_permissions": (),
                "indexes": [models.Index(fields=["-day"], name="rollup_queue_newest")],
            },
        ),
        migrations.AddIndex(
            model_name="archivedorder",
            index=models.Index(fields=["created_at"], name="archived_orders_created"),
        ),
        migrations.AddIndex(
            model_name="archivedorder",
            index=models.Index(fields=["user_id", "created_at"], name="archived_orders_of_customer"),
        ),
        migrations.RunSQL("CREATE SEQUENCE rollup_version", "DROP SEQUENCE rollup_version"),
    ]
