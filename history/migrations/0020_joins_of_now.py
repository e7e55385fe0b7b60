"""A change joins an event of its own transaction, never one whose transaction bore the same number elsewhere.

Numbers of transactions begin anew in a cluster that a dump was restored into, and events of the old one come along.
What this transaction wrote was recorded since it began.
"""

from django.db import migrations

TOUCH = """
CREATE OR REPLACE FUNCTION history_touch_order(touched bigint, item_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    latest record;
BEGIN
    SELECT e.event_id, e.kind INTO latest
    FROM orders o JOIN history_events e ON e.order_id = o.order_id AND e.rev = o.rev
    WHERE o.order_id = touched AND e.transaction_id = pg_current_xact_id()::text::bigint {of_now};
    IF latest.kind = 'placed' THEN
        RETURN;
    ELSIF latest.kind IS NOT NULL THEN
        UPDATE history_events
        SET kind = CASE WHEN kind IN ('note', 'edited') THEN 'items' ELSE kind END,
            changes = jsonb_set(changes, '{{items}}', coalesce(changes -> 'items', '[]') || item_changes)
        WHERE event_id = latest.event_id;
    ELSE
        PERFORM set_config('history.item_changes', item_changes::text, true);
        UPDATE orders SET rev = rev WHERE order_id = touched;
        PERFORM set_config('history.item_changes', '', true);
    END IF;
END $$;
"""

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION history_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.transaction_id = pg_current_xact_id()::text::bigint {of_now} THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'history_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

REFUND = """
CREATE OR REPLACE FUNCTION history_refund_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint;
BEGIN
    FOR touched IN
        SELECT DISTINCT order_id FROM unnest(ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.order_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.order_id END
        ]) AS t (order_id) WHERE order_id IS NOT NULL ORDER BY order_id
    LOOP
        UPDATE orders o
        SET changed_by = NULL, changed_by_name = 'database', change_note = '',
            changed_at = greatest(clock_timestamp(), o.changed_at + interval '1 microsecond')
        WHERE o.order_id = touched AND NOT EXISTS (
            SELECT FROM history_events e
            WHERE e.order_id = touched AND e.rev = o.rev
                AND e.transaction_id = pg_current_xact_id()::text::bigint {of_now});
    END LOOP;
    RETURN NULL;
END $$;
"""


def functions(*, is_of_now: bool) -> str:
    of_event, of_old = ("AND e.recorded_at >= now()", "AND OLD.recorded_at >= now()") if is_of_now else ("", "")
    told = TOUCH.format(of_now=of_event) + REFUND.format(of_now=of_event)
    return told + APPEND_ONLY.format(of_now=of_old)


class Migration(migrations.Migration):
    dependencies = [("history", "0019_erasing")]

    operations = [migrations.RunSQL(functions(is_of_now=True), functions(is_of_now=False))]
