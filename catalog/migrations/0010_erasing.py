"""The ledger's words, who moved stock and why, may be erased with a person; its figures never change."""

from django.db import migrations

GUARD = """
DROP TRIGGER catalog_keep_ledger ON stock_movements;
CREATE TRIGGER catalog_keep_ledger
    BEFORE UPDATE OF movement_id, product_id, delta, stock_after, reason, order_id, actor_id, moved_at
        OR DELETE OR TRUNCATE
    ON stock_movements FOR EACH STATEMENT EXECUTE FUNCTION catalog_keep_ledger();
CREATE TRIGGER catalog_keep_ledger_words BEFORE UPDATE OF actor_name, note ON stock_movements FOR EACH STATEMENT
    WHEN (current_setting('shop.erasing', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION catalog_keep_ledger();
"""

GUARD_BEFORE = """
DROP TRIGGER catalog_keep_ledger_words ON stock_movements;
DROP TRIGGER catalog_keep_ledger ON stock_movements;
CREATE TRIGGER catalog_keep_ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements FOR EACH STATEMENT
    EXECUTE FUNCTION catalog_keep_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_quick_lists")]

    operations = [migrations.RunSQL(GUARD, GUARD_BEFORE)]
