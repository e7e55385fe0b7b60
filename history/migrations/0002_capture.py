"""Capture: the database bumps rev and writes the event of every change of an order, whoever makes it.

history/triggers.py tells callers about it; the rules are in the comments here.
"""

from django.db import migrations

REVISION = """
-- rev counts the real changes of an order. What a client writes into it is ignored.
CREATE FUNCTION history_set_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items_changed boolean := coalesce(current_setting('history.item_changes', true), '') <> '';
    sent_rev integer := NEW.rev;
BEGIN
    NEW.rev := OLD.rev;
    -- Who and why belong to this change only if changed_at was moved on, by somebody who had seen the latest
    -- revision: a stale or loaded copy brings the names of an earlier change.
    IF NOT NEW.changed_at > OLD.changed_at OR sent_rev <> OLD.rev THEN
        NEW.changed_by := OLD.changed_by;
        NEW.changed_by_name := OLD.changed_by_name;
        NEW.changed_at := OLD.changed_at;
        NEW.change_note := OLD.change_note;
        IF NEW IS NOT DISTINCT FROM OLD AND NOT items_changed THEN
            RETURN NEW;
        END IF;
        NEW.changed_by := NULL;
        NEW.changed_by_name := 'database';
        NEW.changed_at := clock_timestamp();
        NEW.change_note := '';
    END IF;
    NEW.rev := OLD.rev + 1;
    RETURN NEW;
END $$;

-- A new order starts at 1; one whose number was used before goes on where the old one ended.
CREATE FUNCTION history_set_first_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(max(rev), 0) + 1 INTO NEW.rev FROM history_events WHERE order_id = NEW.order_id;
    RETURN NEW;
END $$;

CREATE TRIGGER history_set_first_revision BEFORE INSERT ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_set_first_revision();
CREATE TRIGGER history_set_revision BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_set_revision();
"""

EVENTS = """
-- {column: [old, new]} of what differs, leaving out what an event says in columns of its own.
CREATE FUNCTION history_changes(old_row orders, new_row orders) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(o.key, jsonb_build_array(o.value, n.value)), '{}')
    FROM jsonb_each(to_jsonb(old_row)) o JOIN jsonb_each(to_jsonb(new_row)) n ON n.key = o.key
    WHERE o.value IS DISTINCT FROM n.value
      AND o.key NOT IN ('rev', 'changed_by', 'changed_by_name', 'changed_at', 'change_note', 'holds_stock')
$$;

CREATE FUNCTION history_record_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (NEW.order_id, NEW.rev, 'placed', NEW.status, NEW.changed_at, NEW.changed_by, NEW.changed_by_name,
            NEW.change_note, '{}', pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$;

CREATE FUNCTION history_record_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    item_changes text := coalesce(current_setting('history.item_changes', true), '');
    changes jsonb := history_changes(OLD, NEW);
    kind text := CASE WHEN OLD.status <> NEW.status THEN 'status'
                      WHEN item_changes <> '' THEN 'items'
                      WHEN changes <> '{}' THEN 'edited'
                      ELSE 'note' END;
BEGIN
    IF item_changes <> '' THEN
        changes := changes || jsonb_build_object('items', item_changes::jsonb);
    END IF;
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (NEW.order_id, NEW.rev, kind, NEW.status, NEW.changed_at, NEW.changed_by, NEW.changed_by_name,
            NEW.change_note, changes, pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$;

CREATE FUNCTION history_record_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (OLD.order_id, OLD.rev + 1, 'deleted', OLD.status, clock_timestamp(), NULL, 'database', '',
            jsonb_build_object('order', jsonb_build_array(to_jsonb(OLD), NULL)), pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$;

CREATE TRIGGER history_record_insert AFTER INSERT ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_record_insert();
CREATE TRIGGER history_record_update AFTER UPDATE ON orders FOR EACH ROW
    WHEN (OLD.rev <> NEW.rev AND current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_record_update();
CREATE TRIGGER history_record_delete AFTER DELETE ON orders FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_record_delete();
"""

ITEMS = """
-- One statement's changes of one order's items. They join the event that this transaction already wrote for the
-- order's latest revision (placing an order brings its items, an edit its new total); otherwise they bump it.
CREATE FUNCTION history_touch_order(touched bigint, item_changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
        SET changes = jsonb_set(changes, '{items}', coalesce(changes -> 'items', '[]') || item_changes)
        WHERE event_id = latest.event_id;
    ELSE
        PERFORM set_config('history.item_changes', item_changes::text, true);
        UPDATE orders SET rev = rev WHERE order_id = touched;
        PERFORM set_config('history.item_changes', '', true);
    END IF;
END $$;

CREATE FUNCTION history_item_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM history_touch_order(order_id, jsonb_agg(jsonb_build_array(NULL, to_jsonb(n)) ORDER BY order_item_id))
    FROM new_items n GROUP BY order_id ORDER BY order_id;
    RETURN NULL;
END $$;

CREATE FUNCTION history_item_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM history_touch_order(order_id, jsonb_agg(jsonb_build_array(to_jsonb(o), NULL) ORDER BY order_item_id))
    FROM old_items o GROUP BY order_id ORDER BY order_id;
    RETURN NULL;
END $$;

CREATE FUNCTION history_item_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An item that went from one order to another has changed both.
    PERFORM history_touch_order(touched, jsonb_agg(change ORDER BY order_item_id))
    FROM (
        SELECT DISTINCT t.touched, n.order_item_id, jsonb_build_array(to_jsonb(o), to_jsonb(n)) AS change
        FROM old_items o JOIN new_items n USING (order_item_id)
        CROSS JOIN LATERAL (VALUES (o.order_id), (n.order_id)) AS t (touched)
        WHERE to_jsonb(o) <> to_jsonb(n)
    ) changed GROUP BY touched ORDER BY touched;
    RETURN NULL;
END $$;

CREATE TRIGGER history_item_inserted AFTER INSERT ON order_items REFERENCING NEW TABLE AS new_items
    FOR EACH STATEMENT WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_item_inserted();
CREATE TRIGGER history_item_deleted AFTER DELETE ON order_items REFERENCING OLD TABLE AS old_items
    FOR EACH STATEMENT WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_item_deleted();
CREATE TRIGGER history_item_updated AFTER UPDATE ON order_items
    REFERENCING OLD TABLE AS old_items NEW TABLE AS new_items
    FOR EACH STATEMENT WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_item_updated();
"""

APPEND_ONLY = """
-- What an event says never changes; delivery marks its other columns, and costs nothing here. The transaction that
-- wrote an event may still add its items to it.
CREATE FUNCTION history_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.transaction_id = pg_current_xact_id()::text::bigint THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'history_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER history_events_append_only
    BEFORE DELETE OR UPDATE OF order_id, rev, kind, status, occurred_at, is_time_known, actor_id, actor_name, note,
        changes, recorded_at, transaction_id
    ON history_events FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_events_append_only();
"""

FUNCTIONS = [
    "history_set_revision",
    "history_set_first_revision",
    "history_record_insert",
    "history_record_update",
    "history_record_delete",
    "history_changes",
    "history_item_inserted",
    "history_item_deleted",
    "history_item_updated",
    "history_touch_order",
    "history_events_append_only",
]


class Migration(migrations.Migration):
    dependencies = [("history", "0001_events"), ("orders", "0002_items_as_sold")]

    operations = [
        migrations.RunSQL(
            REVISION + EVENTS + ITEMS + APPEND_ONLY,
            "".join(f"DROP FUNCTION {name} CASCADE;" for name in FUNCTIONS),
        )
    ]
