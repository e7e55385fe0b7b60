"""The indexes by which the back office finds orders by the words of reference, address and products as sold."""

from django.db import migrations

ORDERS = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_words ON orders
    USING gin (search_set(coalesce(external_ref, '') || ' ' || search_json(shipping_address)));
"""
ITEMS = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS order_items_words ON order_items
    USING gin (search_set(product_name || ' ' || sku));
"""


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("orders", "0009_guest_carts"), ("catalog", "0011_search_any_script")]

    operations = [
        migrations.RunSQL(ORDERS, "DROP INDEX IF EXISTS orders_words"),
        migrations.RunSQL(ITEMS, "DROP INDEX IF EXISTS order_items_words"),
    ]
