"""What the database itself does for order items: deletes them with their order, and names them as sold."""

from django.db import migrations

FOREIGN_KEY = """
ALTER TABLE order_items ADD CONSTRAINT order_items_order_id_fkey
    FOREIGN KEY (order_id) REFERENCES orders (order_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""

# Only called for rows that bring no name, which is plain SQL's way: the shop's own inserts pay nothing for it.
AS_SOLD = """
CREATE FUNCTION order_items_name_as_sold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT name, sku INTO NEW.product_name, NEW.sku FROM products WHERE product_id = NEW.product_id;
    IF NOT FOUND THEN  -- the foreign key refuses the row, in its own words
        NEW.product_name := '';
        NEW.sku := '';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER order_items_name_as_sold BEFORE INSERT ON order_items
    FOR EACH ROW WHEN (NEW.product_name = '') EXECUTE FUNCTION order_items_name_as_sold();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_tables")]

    operations = [
        migrations.RunSQL(FOREIGN_KEY, "ALTER TABLE order_items DROP CONSTRAINT order_items_order_id_fkey;"),
        migrations.RunSQL(AS_SOLD, "DROP FUNCTION order_items_name_as_sold CASCADE;"),
    ]
