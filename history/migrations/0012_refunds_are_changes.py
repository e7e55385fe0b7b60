"""A refund is part of its order, so writing one bumps the order's revision as a change of its items does."""

from django.db import migrations

REFUNDS = """
-- The shop refunds in the transaction of a step or an edit, whose event says it all: then there is nothing to add.
CREATE FUNCTION history_refund_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
            WHERE e.order_id = touched AND e.rev = o.rev AND e.transaction_id = pg_current_xact_id()::text::bigint);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER history_refund_changed AFTER INSERT OR UPDATE OR DELETE ON refunds FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_refund_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0011_back_office"), ("orders", "0006_refunds")]

    operations = [migrations.RunSQL(REFUNDS, "DROP FUNCTION history_refund_changed CASCADE;")]
