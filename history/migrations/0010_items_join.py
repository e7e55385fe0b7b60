"""A change of items says so in its event's kind, also where it joins an event already there."""

from django.db import migrations

TOUCH = """
CREATE OR REPLACE FUNCTION history_touch_order(touched bigint, item_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    latest record;
BEGIN
    SELECT e.event_id, e.kind INTO latest
    FROM orders o JOIN history_events e ON e.order_id = o.order_id AND e.rev = o.rev
    WHERE o.order_id = touched AND e.transaction_id = pg_current_xact_id()::text::bigint;
    IF latest.kind = 'placed' THEN
        RETURN;
    ELSIF latest.kind IS NOT NULL THEN
        UPDATE history_events
        SET {kind} changes = jsonb_set(changes, '{{items}}', coalesce(changes -> 'items', '[]') || item_changes)
        WHERE event_id = latest.event_id;
    ELSE
        PERFORM set_config('history.item_changes', item_changes::text, true);
        UPDATE orders SET rev = rev WHERE order_id = touched;
        PERFORM set_config('history.item_changes', '', true);
    END IF;
END $$;
"""
# Without it, items that were exchanged at the same total would be an event of kind 'note'.
IN_KIND = "kind = CASE WHEN kind IN ('note', 'edited') THEN 'items' ELSE kind END,"


class Migration(migrations.Migration):
    dependencies = [("history", "0009_archived_orders_by_status")]

    operations = [migrations.RunSQL(TOUCH.format(kind=IN_KIND), TOUCH.format(kind=""))]
