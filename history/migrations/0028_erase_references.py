"""Erasing may also take the references that other systems gave an order."""

from django.db import migrations

TRIGGER = """
DROP TRIGGER history_erase_orders ON orders;
CREATE TRIGGER history_erase_orders BEFORE UPDATE OR DELETE ON orders FOR EACH ROW
    WHEN (current_setting('shop.erasing', true) = 'on')
    EXECUTE FUNCTION history_erase_only_words({columns});
"""
BEFORE = "'shipping_address', 'changed_by_name', 'change_note', 'rev'"
AFTER = f"{BEFORE}, 'external_ref', 'idempotency_key'"


class Migration(migrations.Migration):
    dependencies = [("history", "0027_times_to_come")]

    operations = [migrations.RunSQL(TRIGGER.format(columns=AFTER), TRIGGER.format(columns=BEFORE))]
