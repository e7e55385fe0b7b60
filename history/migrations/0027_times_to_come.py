"""A change happened no later than it was written: a time in the future becomes the time of writing.

An order that bears such a time from before takes honest ones again: whoever signs its next change is believed.
"""

from django.db import migrations

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
    IF NEW.changed_at > {AHEAD} THEN
        NEW.changed_at := clock_timestamp();
    END IF;
"""


def functions(*, moved: str, clamp: str) -> str:
    return SET_REVISION.format(moved=moved, clamp=clamp) + SET_FIRST_REVISION.format(clamp=clamp)


class Migration(migrations.Migration):
    dependencies = [("history", "0026_standard_webhooks")]

    operations = [
        migrations.RunSQL(
            functions(moved=MOVED, clamp=CLAMP), functions(moved="NEW.changed_at > OLD.changed_at", clamp="")
        )
    ]
