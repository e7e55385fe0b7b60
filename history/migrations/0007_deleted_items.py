"""The event of a deletion tells which items went with the order: without it no past figure could count them."""

from django.db import migrations

# Before the deletion, not after it: by then the foreign key has taken the items along.
WITH_ITEMS = """
CREATE OR REPLACE FUNCTION history_record_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items jsonb := (
        SELECT jsonb_build_object('items', jsonb_agg(jsonb_build_array(to_jsonb(i), NULL) ORDER BY i.order_item_id))
        FROM order_items i WHERE i.order_id = OLD.order_id HAVING count(*) > 0
    );
BEGIN
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (OLD.order_id, OLD.rev + 1, 'deleted', OLD.status, clock_timestamp(), NULL, 'database', '',
            jsonb_build_object('order', jsonb_build_array(to_jsonb(OLD), NULL)) || coalesce(items, '{}'),
            pg_current_xact_id()::text::bigint);
    RETURN OLD;
END $$;

DROP TRIGGER history_record_delete ON orders;
CREATE TRIGGER history_record_delete BEFORE DELETE ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_record_delete();
"""

WITHOUT_ITEMS = """
CREATE OR REPLACE FUNCTION history_record_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (OLD.order_id, OLD.rev + 1, 'deleted', OLD.status, clock_timestamp(), NULL, 'database', '',
            jsonb_build_object('order', jsonb_build_array(to_jsonb(OLD), NULL)), pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$;

DROP TRIGGER history_record_delete ON orders;
CREATE TRIGGER history_record_delete AFTER DELETE ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_record_delete();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0006_guards")]

    operations = [migrations.RunSQL(WITH_ITEMS, WITHOUT_ITEMS)]
