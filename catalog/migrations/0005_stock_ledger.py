"""The stock ledger: the database writes a movement for every change of a product's stock, whoever makes it.

catalog/stock.py tells callers about it; the rules are in the comments here.
"""

import django.db.models.deletion
from django.db import migrations, models

# Nobody sells between the counting and the first recorded movement.
OPENING = """
LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO stock_movements (product_id, delta, stock_after, reason, actor_name, moved_at)
SELECT product_id, stock, stock, 'opening', 'database', now() FROM products WHERE stock > 0 ORDER BY product_id;
"""

# Summed up and not joined: a plan made for a sale of three must do for a price list of 30,000. The rows are locked, so
# the movements of one product are numbered in the order in which they happened. What was told belongs to this statement
# alone: the next one of the transaction says its own reason or none.
RECORD = """
CREATE FUNCTION catalog_record_{operation}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told jsonb := coalesce(nullif(current_setting('catalog.movement', true), ''), '{{}}');
BEGIN
    INSERT INTO stock_movements (product_id, delta, stock_after, reason, order_id, note, actor_id, actor_name, moved_at)
    SELECT product_id, sum(after - before), sum(after), coalesce(told ->> 'reason', '{reason}'),
        (told ->> 'order_id')::bigint, coalesce(told ->> 'note', ''), (told ->> 'actor_id')::bigint,
        coalesce(told ->> 'actor_name', 'database'), coalesce((told ->> 'moved_at')::timestamptz, clock_timestamp())
    FROM ({rows}) moved
    GROUP BY product_id HAVING sum(after) <> sum(before) ORDER BY product_id;
    IF told <> '{{}}' THEN
        PERFORM set_config('catalog.movement', '', true);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_record_{operation} AFTER {operation} ON products REFERENCING {tables}
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_record_{operation}();
"""
OLD, NEW = "OLD TABLE AS old_rows", "NEW TABLE AS new_rows"
WAS = "SELECT product_id, stock AS before, 0 AS after FROM old_rows"
IS = "SELECT product_id, 0 AS before, stock AS after FROM new_rows"
TRIGGERS = (
    RECORD.format(operation="insert", reason="opening", rows=IS, tables=NEW)
    + RECORD.format(operation="update", reason="correction", rows=f"{WAS} UNION ALL {IS}", tables=f"{OLD} {NEW}")
    + RECORD.format(operation="delete", reason="deleted", rows=WAS, tables=OLD)
)

GUARDS = """
CREATE FUNCTION catalog_keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stock_movements is append-only, and written by changing products.stock'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER catalog_keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements FOR EACH STATEMENT
    EXECUTE FUNCTION catalog_keep_ledger();
-- A row of one's own would make the sum another than the stock. The triggers above are one level deep.
CREATE TRIGGER catalog_keep_ledger_closed BEFORE INSERT ON stock_movements FOR EACH STATEMENT
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION catalog_keep_ledger();

-- TRUNCATE would leave no rows to record.
CREATE FUNCTION catalog_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of products would leave no movements; use DELETE'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER catalog_refuse_truncate BEFORE TRUNCATE ON products FOR EACH STATEMENT
    EXECUTE FUNCTION catalog_refuse_truncate();
"""

FUNCTIONS = [
    "catalog_record_insert",
    "catalog_record_update",
    "catalog_record_delete",
    "catalog_keep_ledger",
    "catalog_refuse_truncate",
]

REASONS = [
    ("opening", "Opening stock"),
    ("import", "Import"),
    ("sale", "Sale"),
    ("cancel", "Cancelled order"),
    ("edit", "Edited order"),
    ("return", "Returned goods"),
    ("restock", "Restock"),
    ("correction", "Correction"),
    ("deleted", "Product deleted"),
]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_product_image")]

    operations = [
        migrations.CreateModel(
            name="StockMovement",
            fields=[
                ("movement_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("delta", models.IntegerField()),
                ("stock_after", models.IntegerField()),
                ("reason", models.CharField(choices=REASONS, max_length=20)),
                ("order_id", models.BigIntegerField(null=True, verbose_name="order")),
                ("note", models.TextField(db_default="")),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(max_length=200)),
                ("moved_at", models.DateTimeField()),
                (
                    "product",
                    models.ForeignKey(
                        db_column="product_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="movements",
                        to="catalog.product",
                    ),
                ),
            ],
            options={
                "db_table": "stock_movements",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["product", "-movement_id"], name="stock_movements_of_product")],
                "constraints": [
                    models.CheckConstraint(condition=~models.Q(delta=0), name="stock_movements_moves"),
                    models.CheckConstraint(condition=models.Q(stock_after__gte=0), name="stock_movements_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(reason__in=[code for code, _ in REASONS]),
                        name="stock_movements_reason_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(OPENING + TRIGGERS + GUARDS, "".join(f"DROP FUNCTION {name} CASCADE;" for name in FUNCTIONS)),
    ]
