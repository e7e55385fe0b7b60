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

RECORD = """
-- Row by row, as sales change few rows, and only those whose stock moved. Their locks are held, so the movements of one
-- product are numbered in the order in which they happened.
CREATE FUNCTION catalog_record_movement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told jsonb := coalesce(nullif(current_setting('catalog.movement', true), ''), '{}');
BEGIN
    INSERT INTO stock_movements (product_id, delta, stock_after, reason, order_id, note, actor_id, actor_name, moved_at)
    VALUES (
        coalesce(NEW.product_id, OLD.product_id),
        coalesce(NEW.stock, 0) - coalesce(OLD.stock, 0),
        coalesce(NEW.stock, 0),
        coalesce(told ->> 'reason', CASE TG_OP WHEN 'INSERT' THEN 'opening' WHEN 'DELETE' THEN 'deleted'
                                    ELSE 'correction' END),
        (told ->> 'order_id')::bigint,
        coalesce(told ->> 'note', ''),
        (told ->> 'actor_id')::bigint,
        coalesce(told ->> 'actor_name', 'database'),
        coalesce((told ->> 'moved_at')::timestamptz, clock_timestamp())
    );
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_record_new_stock AFTER INSERT ON products FOR EACH ROW
    WHEN (NEW.stock <> 0) EXECUTE FUNCTION catalog_record_movement();
CREATE TRIGGER catalog_record_movement AFTER UPDATE ON products FOR EACH ROW
    WHEN (OLD.stock <> NEW.stock) EXECUTE FUNCTION catalog_record_movement();
CREATE TRIGGER catalog_record_last_stock AFTER DELETE ON products FOR EACH ROW
    WHEN (OLD.stock <> 0) EXECUTE FUNCTION catalog_record_movement();

-- What was told belongs to one statement: the next one of the transaction says its own reason or none.
CREATE FUNCTION catalog_forget_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('catalog.movement', '', true);
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_forget_told AFTER INSERT OR UPDATE OR DELETE ON products FOR EACH STATEMENT
    WHEN (current_setting('catalog.movement', true) <> '') EXECUTE FUNCTION catalog_forget_told();
"""

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

-- What no movement could tell of: TRUNCATE fires no trigger of rows, and the ledger knows a product by its number.
CREATE FUNCTION catalog_keep_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of products would leave no movements of their stock', TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER catalog_refuse_truncate BEFORE TRUNCATE ON products FOR EACH STATEMENT
    EXECUTE FUNCTION catalog_keep_products('TRUNCATE');
CREATE TRIGGER catalog_keep_number BEFORE UPDATE OF product_id ON products FOR EACH ROW
    WHEN (OLD.product_id <> NEW.product_id) EXECUTE FUNCTION catalog_keep_products('renumbering');
"""

FUNCTIONS = ["catalog_record_movement", "catalog_forget_told", "catalog_keep_ledger", "catalog_keep_products"]

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
    dependencies = [("catalog", "0003_every_word")]

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
        migrations.RunSQL(OPENING + RECORD + GUARDS, "".join(f"DROP FUNCTION {name} CASCADE;" for name in FUNCTIONS)),
    ]
