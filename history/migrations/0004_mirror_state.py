"""Stubs of archived orders, and the record of how the mirror has been doing."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0003_activity"),
    ]

    operations = [
        migrations.CreateModel(
            name="ArchivedOrder",
            fields=[
                ("order_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("user_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField()),
                ("total_amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("status", models.CharField(max_length=20)),
                ("rev", models.IntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("archived_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "archived_orders",
            },
        ),
        migrations.CreateModel(
            name="MirrorSample",
            fields=[
                ("taken_at", models.DateTimeField(primary_key=True, serialize=False)),
                ("pending", models.IntegerField()),
                ("oldest_pending_seconds", models.IntegerField()),
                ("parked", models.IntegerField()),
                ("delivered", models.IntegerField()),
                ("lag_p50_ms", models.IntegerField(null=True)),
                ("lag_p99_ms", models.IntegerField(null=True)),
            ],
            options={
                "db_table": "mirror_samples",
                "permissions": [
                    ("view_mirror", "Can see the state of the mirror"),
                    ("requeue_events", "Can have parked events tried again"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ReconcileRun",
            fields=[
                ("run_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("seconds", models.DecimalField(decimal_places=1, max_digits=9)),
                ("since", models.DateTimeField(null=True)),
                ("compared", models.IntegerField()),
                ("differing", models.IntegerField()),
                ("repaired", models.IntegerField()),
                ("exit_code", models.SmallIntegerField()),
            ],
            options={
                "db_table": "reconcile_runs",
                "default_permissions": (),
                "indexes": [models.Index(fields=["-started_at", "-run_id"], name="reconcile_runs_newest")],
            },
        ),
    ]
