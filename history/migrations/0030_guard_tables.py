"""One statement guards every number, time and JSON of a table; tables that came since 0023 get it."""

from django.db import migrations

# What is guarded already keeps its own condition. A name is at most 63 bytes long, which the test of all columns sees.
FUNCTION = """
CREATE FUNCTION refuse_impossible_values(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
    condition text;
    expected text;
BEGIN
    FOR found IN
        SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
            format('%s_%s_possible', guarded, a.attname) AS trigger
        FROM pg_attribute a
        WHERE a.attrelid = guarded AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            AND format_type(a.atttypid, NULL) ~ '^(numeric|real|double|timestamp|date|json)'
            AND NOT EXISTS (SELECT FROM pg_trigger t
                            WHERE t.tgrelid = guarded AND t.tgname = format('%s_%s_possible', guarded, a.attname))
    LOOP
        IF found.type ~ '^json' THEN
            condition := format('jsonb_typeof(NEW.%I::jsonb) IN (''object'', ''array'')', found.name);
            expected := 'it is a JSON object or list';
        ELSIF found.type ~ '^(timestamp|date)' THEN
            condition := format('NEW.%1$I >= ''0001-01-02 00:00+00'' AND NEW.%1$I < ''9999-12-31 00:00+00''', found.name);
            expected := 'a time is in the years 1 to 9999';
        ELSE
            condition := format('NEW.%1$I >= 0 AND NEW.%1$I < ''Infinity''', found.name);
            expected := 'it is a number from 0';
        END IF;
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I ON %s FOR EACH ROW WHEN (NOT (%s))
             EXECUTE FUNCTION refuse_impossible_value(%L, %L)',
            found.trigger, found.name, guarded, condition, found.name, expected);
    END LOOP;
END $$;
"""
TABLES = ["account_emails", "cart_items"]
GUARD = "".join(f"SELECT refuse_impossible_values('{table}');" for table in TABLES)

# A time beyond all years is not taken for one that is only ahead: it is refused.
# The clock of a web server may be ahead a little.
AHEAD = "clock_timestamp() + interval '1 minute'"

SET_REVISION = """
-- rev counts the real changes of an order. What a client writes into it is ignored.
CREATE OR REPLACE FUNCTION history_set_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    items_changed boolean := coalesce(current_setting('history.item_changes', true), '') <> '';
    sent_rev integer := NEW.rev;
BEGIN
    NEW.rev := OLD.rev;
    -- Who and why belong to this change only if changed_at was moved on, by somebody who had seen the latest
    -- revision: a stale or loaded copy brings the names of an earlier change.
    IF NOT ({moved}) OR sent_rev <> OLD.rev THEN
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
    {clamp}
    NEW.rev := OLD.rev + 1;
    RETURN NEW;
END $$;
"""
SET_FIRST_REVISION = """
-- A new order starts at 1; one whose number was used before goes on where the old one ended.
CREATE OR REPLACE FUNCTION history_set_first_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(max(rev), 0) + 1 INTO NEW.rev FROM history_events WHERE order_id = NEW.order_id;
    {clamp}
    RETURN NEW;
END $$;
"""
MOVED = f"NEW.changed_at > OLD.changed_at OR (OLD.changed_at > {AHEAD} AND NEW.changed_at <> OLD.changed_at)"
CLAMP = f"""
    IF NEW.changed_at > {AHEAD} AND NEW.changed_at < '9999-12-31 00:00+00' THEN
        NEW.changed_at := clock_timestamp();
    END IF;
"""


def functions(*, moved: str, clamp: str) -> str:
    return SET_REVISION.format(moved=moved, clamp=clamp) + SET_FIRST_REVISION.format(clamp=clamp)


class Migration(migrations.Migration):
    dependencies = [("history", "0029_search"), ("users", "0014_account_emails"), ("orders", "0009_guest_carts")]

    operations = [
        migrations.RunSQL(FUNCTION + GUARD, "DROP FUNCTION refuse_impossible_values;"),
        migrations.RunSQL(functions(moved=MOVED, clamp=CLAMP), migrations.RunSQL.noop),
    ]
