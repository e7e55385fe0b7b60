"""Events say which request they came of; a change joins an event as the tables' owner, whoever makes it.

The column's default reads what the transaction said (config/database), so no trigger and no statement is added. With the
function of the owner, who writes orders needs no right to change events; it joins those of its own transaction only.
"""

import django.db.models.expressions
import django.db.models.functions.comparison
from django.db import migrations, models

JOIN = """
CREATE FUNCTION history_join_event(joined bigint, item_changes jsonb) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE history_events
    SET kind = CASE WHEN kind IN ('note', 'edited') THEN 'items' ELSE kind END,
        changes = jsonb_set(changes, '{items}', coalesce(changes -> 'items', '[]') || item_changes)
    WHERE event_id = joined AND transaction_id = pg_current_xact_id()::text::bigint AND recorded_at >= now();
END $$;
"""

TOUCH = """
CREATE OR REPLACE FUNCTION history_touch_order(touched bigint, item_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    latest record;
BEGIN
    SELECT e.event_id, e.kind INTO latest
    FROM orders o JOIN history_events e ON e.order_id = o.order_id AND e.rev = o.rev
    WHERE o.order_id = touched AND e.transaction_id = pg_current_xact_id()::text::bigint AND e.recorded_at >= now();
    IF latest.kind = 'placed' THEN
        RETURN;
    ELSIF latest.kind IS NOT NULL THEN
        %s
    ELSE
        PERFORM set_config('history.item_changes', item_changes::text, true);
        UPDATE orders SET rev = rev WHERE order_id = touched;
        PERFORM set_config('history.item_changes', '', true);
    END IF;
END $$;
"""
BY_THE_OWNER = "PERFORM history_join_event(latest.event_id, item_changes);"
BY_WHOEVER = """UPDATE history_events
        SET kind = CASE WHEN kind IN ('note', 'edited') THEN 'items' ELSE kind END,
            changes = jsonb_set(changes, '{items}', coalesce(changes -> 'items', '[]') || item_changes)
        WHERE event_id = latest.event_id;"""

# What an event says never changes, and now it says one thing more.
APPEND_ONLY = """
DROP TRIGGER history_events_append_only ON history_events;
CREATE TRIGGER history_events_append_only
    BEFORE DELETE OR UPDATE OF order_id, rev, {more}subject, subject_id, subject_name, kind, status, occurred_at,
        is_time_known, actor_id, actor_name, note, changes, recorded_at, transaction_id
    ON history_events FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_events_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0020_joins_of_now")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="request_id",
            field=models.TextField(
                db_default=django.db.models.functions.comparison.NullIf(
                    django.db.models.expressions.Func(
                        models.Value("shop.request_id"),
                        models.Value(True),
                        function="current_setting",
                        output_field=models.TextField(),
                    ),
                    models.Value(""),
                ),
                editable=False,
                null=True,
            ),
        ),
        migrations.RunSQL(
            JOIN + (TOUCH % BY_THE_OWNER) + APPEND_ONLY.format(more="request_id, "),
            (TOUCH % BY_WHOEVER) + "DROP FUNCTION history_join_event;" + APPEND_ONLY.format(more=""),
        ),
    ]
