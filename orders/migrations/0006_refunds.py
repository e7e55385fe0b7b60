"""Refunds, when the customer was written to, and who may do what with orders."""

import django.db.models.deletion
from django.db import migrations, models

# A refund goes with an order that is deleted: its number may be given again, to somebody else's order. Moving whole
# histories (the setting, see the triggers of history) leaves it.
GO_WITH_ORDER = """
CREATE FUNCTION refunds_go_with_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM refunds WHERE order_id = OLD.order_id;
    RETURN NULL;
END $$;

CREATE TRIGGER refunds_go_with_order AFTER DELETE ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION refunds_go_with_order();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_status_index_with_amounts")]

    operations = [
        migrations.AlterModelOptions(
            name="order",
            options={
                "permissions": [
                    ("refund_order", "Can take items back and refund them"),
                    ("export_order", "Can export orders"),
                ]
            },
        ),
        migrations.AddField(
            model_name="order", name="told_customer_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("refund_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "order",
                    models.ForeignKey(
                        db_column="order_id",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="refunds",
                        to="orders.order",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("items", models.JSONField()),
                ("reason", models.TextField()),
                ("is_last", models.BooleanField()),
                ("refunded_by", models.BigIntegerField()),
                ("refunded_by_name", models.CharField(max_length=200)),
                ("refunded_at", models.DateTimeField()),
            ],
            options={
                "db_table": "refunds",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="refunds_amount_not_negative")
                ],
            },
        ),
        migrations.RunSQL(GO_WITH_ORDER, "DROP FUNCTION refunds_go_with_order CASCADE;"),
    ]
