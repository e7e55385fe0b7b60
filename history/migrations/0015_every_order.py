"""Live and archived orders as one list: the view every_order, and what finds archived ones as quickly as live ones."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The back office finds orders by our reference and by product, and an import skips the references there are. The rows
# that say so are about to leave when the stub is written, by whomever.
FIND_AGAIN = """
CREATE FUNCTION history_describe_stub() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT external_ref INTO NEW.external_ref FROM orders WHERE order_id = NEW.order_id;
    NEW.product_ids := ARRAY(SELECT DISTINCT product_id FROM order_items WHERE order_id = NEW.order_id ORDER BY 1);
    RETURN NEW;
END $$;
CREATE TRIGGER history_describe_stub BEFORE INSERT ON archived_orders
    FOR EACH ROW EXECUTE FUNCTION history_describe_stub();
"""
LOSE_AGAIN = "DROP TRIGGER history_describe_stub ON archived_orders; DROP FUNCTION history_describe_stub()"

# Nothing but columns: so a list's order and limit go down into both tables, each by its index.
EVERY_ORDER = """
CREATE VIEW every_order AS
SELECT order_id, user_id, total_amount, status, created_at, rev, external_ref,
    NULL::varchar(64) AS sha256, false AS is_archived
FROM orders
UNION ALL
SELECT order_id, user_id, total_amount, status, created_at, rev, external_ref, sha256, true
FROM archived_orders
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0014_deleted_refunds"), ("orders", "0006_refunds"), ("users", "0005_back_office")]

    operations = [
        migrations.AddField(
            "archivedorder", "external_ref", models.CharField(editable=False, max_length=64, null=True)
        ),
        migrations.AddField(
            "archivedorder",
            "product_ids",
            django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), db_default=[], editable=False),
        ),
        migrations.RemoveIndex("archivedorder", "archived_orders_created"),
        migrations.RemoveIndex("archivedorder", "archived_orders_of_customer"),
        migrations.RemoveIndex("archivedorder", "archived_orders_by_status"),
        migrations.AddIndex(
            "archivedorder", models.Index(fields=["-created_at", "-order_id"], name="archived_orders_newest")
        ),
        migrations.AddIndex(
            "archivedorder",
            models.Index(fields=["user_id", "-created_at", "-order_id"], name="archived_orders_of_customer"),
        ),
        migrations.AddIndex(
            "archivedorder",
            models.Index(
                fields=["status", "-created_at", "-order_id"],
                include=["total_amount"],
                name="archived_orders_by_status",
            ),
        ),
        migrations.AddIndex("archivedorder", models.Index(fields=["external_ref"], name="archived_orders_by_ref")),
        migrations.AddIndex(
            "archivedorder",
            django.contrib.postgres.indexes.GinIndex(fields=["product_ids"], name="archived_orders_by_product"),
        ),
        migrations.RunSQL(FIND_AGAIN, LOSE_AGAIN),
        migrations.RunSQL(EVERY_ORDER, "DROP VIEW every_order"),
        migrations.CreateModel(
            "EveryOrder",
            fields=[
                ("order_id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "customer",
                    models.ForeignKey(
                        db_column="user_id",
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("total_amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("status", models.CharField(max_length=20)),
                ("created_at", models.DateTimeField()),
                ("rev", models.IntegerField()),
                ("external_ref", models.CharField(max_length=64, null=True)),
                ("sha256", models.CharField(max_length=64, null=True)),
                ("is_archived", models.BooleanField()),
            ],
            options={"db_table": "every_order", "default_permissions": (), "managed": False},
        ),
    ]
