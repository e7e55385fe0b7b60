"""What no event can tell of is refused: emptying a table at once, and giving an order another number."""

from django.db import migrations

TABLES = ("orders", "order_items", "history_events")

TRUNCATE = """
-- TRUNCATE fires no trigger of rows, so orders would go without a trace.
CREATE FUNCTION history_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % would leave no events; use DELETE', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER history_refuse_truncate_{table} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_refuse_truncate();
"""
    for table in TABLES
)

NUMBER = """
-- An event belongs to an order by its number, and so does the document: it stays.
CREATE FUNCTION history_keep_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order % keeps its number', OLD.order_id USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER history_keep_number BEFORE UPDATE OF order_id ON orders FOR EACH ROW
    WHEN (OLD.order_id <> NEW.order_id AND current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_keep_number();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0005_rollups")]

    operations = [
        migrations.RunSQL(
            TRUNCATE + NUMBER,
            "DROP FUNCTION history_refuse_truncate CASCADE; DROP FUNCTION history_keep_number CASCADE;",
        )
    ]
