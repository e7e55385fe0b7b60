"""The event of a deletion tells which refunds went with the order, and an item keeps its number.

Without the one no past moment could show them; without the other an event could not tell which item it is about.
"""

from django.db import migrations

# What a refund was given for may say something of its customer, which nobody needs of an order that was deleted.
RECORD = """
CREATE OR REPLACE FUNCTION history_record_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items jsonb := (
        SELECT jsonb_build_object('items', jsonb_agg(jsonb_build_array(to_jsonb(i), NULL) ORDER BY i.order_item_id))
        FROM order_items i WHERE i.order_id = OLD.order_id HAVING count(*) > 0
    );
    {refunds}
BEGIN
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (OLD.order_id, OLD.rev + 1, 'deleted', OLD.status, clock_timestamp(), NULL, 'database', '',
            jsonb_build_object('order', jsonb_build_array(to_jsonb(OLD), NULL)) || coalesce(items, '{{}}') {and_refunds},
            pg_current_xact_id()::text::bigint);
    RETURN OLD;
END $$;
"""
REFUNDS = """refunds jsonb := (
        SELECT jsonb_build_object('refunds',
                                  jsonb_agg(jsonb_build_array(to_jsonb(r) - 'reason', NULL) ORDER BY r.refund_id))
        FROM refunds r WHERE r.order_id = OLD.order_id HAVING count(*) > 0
    );"""

NUMBER = """
CREATE FUNCTION history_keep_item_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order item % keeps its number', OLD.order_item_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER history_keep_item_number BEFORE UPDATE OF order_item_id ON order_items FOR EACH ROW
    WHEN (OLD.order_item_id <> NEW.order_item_id AND current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_keep_item_number();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0013_api_keys")]

    operations = [
        migrations.RunSQL(
            RECORD.format(refunds=REFUNDS, and_refunds="|| coalesce(refunds, '{}')") + NUMBER,
            RECORD.format(refunds="", and_refunds="") + "DROP FUNCTION history_keep_item_number CASCADE;",
        )
    ]
