"""The feed of events for other systems, and the webhooks that are told of them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

TRIGGER = """
-- Beside each event of an order its row in the feed, in the same transaction. Whole histories that move tell nothing:
-- what they bring has happened, and was told, before.
CREATE FUNCTION history_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_events (event_id, order_id, rev, kind, status, occurred_at)
    VALUES (NEW.event_id, NEW.order_id, NEW.rev, NEW.kind, NEW.status, NEW.occurred_at);
    RETURN NULL;
END $$;

CREATE TRIGGER history_feed AFTER INSERT ON history_events FOR EACH ROW
    WHEN (NEW.order_id IS NOT NULL AND current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_feed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0015_every_order"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("endpoint_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("url", models.CharField(max_length=500, verbose_name="address")),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("placed", "Placed"),
                                ("status", "Status changed"),
                                ("items", "Items changed"),
                                ("edited", "Edited"),
                                ("note", "Note written"),
                                ("deleted", "Deleted"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("salt", models.CharField(editable=False, max_length=64)),
                ("previous_salt", models.CharField(db_default="", editable=False, max_length=64)),
                ("rotated_at", models.DateTimeField(editable=False, null=True)),
                ("position", models.BigIntegerField(editable=False)),
                ("failures", models.IntegerField(db_default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("retry_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "verbose_name": "webhook",
                "db_table": "webhook_endpoints",
            },
        ),
        migrations.CreateModel(
            name="FeedEnds",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last", models.BigIntegerField(default=0)),
                ("forgotten", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "feed_ends",
                "default_permissions": (),
            },
        ),
        migrations.AlterField(
            model_name="event",
            name="subject",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("user", "User"),
                    ("product", "Product"),
                    ("category", "Category"),
                    ("role", "Role"),
                    ("webhook", "Webhook"),
                    ("session", "Sign-in"),
                    ("api_key", "API key"),
                ],
                db_default="order",
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="FeedEvent",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(null=True)),
                ("order_id", models.BigIntegerField()),
                ("rev", models.IntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("status", models.CharField(max_length=20)),
                ("occurred_at", models.DateTimeField()),
                ("numbered_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "feed_events",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("position__isnull", True)), fields=["event_id"], name="feed_events_new"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("position__isnull", False)),
                        fields=("position",),
                        name="feed_events_position_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("delivery_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField()),
                ("order_id", models.BigIntegerField()),
                ("rev", models.IntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("placed", "Placed"),
                            ("status", "Status changed"),
                            ("items", "Items changed"),
                            ("edited", "Edited"),
                            ("note", "Note written"),
                            ("deleted", "Deleted"),
                        ],
                        max_length=20,
                    ),
                ),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.IntegerField(db_default=0)),
                ("first_tried_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("status_code", models.SmallIntegerField(null=True)),
                ("answer", models.TextField(blank=True, db_default="")),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="history.endpoint"
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "db_table": "webhook_deliveries",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["endpoint", "due_at"],
                        name="webhook_deliveries_due",
                    ),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["endpoint", "order_id", "event_id"],
                        name="webhook_deliveries_of_order",
                    ),
                    models.Index(fields=["created_at"], name="webhook_deliveries_created"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("endpoint", "event_id"), name="webhook_deliveries_once_an_event")
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, "DROP FUNCTION history_feed CASCADE;"),
    ]
