"""What may happen to orders and their log while a person is erased, and to activity that is too old to be kept."""

from django.db import migrations, models

# Each table and the columns whose words may change there, beside the revision that says so.
TABLES = {
    "orders": ["shipping_address", "changed_by_name", "change_note", "rev"],
    "order_items": [],
    "history_events": ["subject_name", "actor_name", "note", "changes", "error"],
}

FUNCTION = """
-- With shop.erasing on, capture is off, and so are the guards of migrations 0002 and 0003: this one stands in for them.
CREATE FUNCTION history_erase_only_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV THEN
            RETURN NEW;
        END IF;
    -- Activity is kept for a time; what waits for the mirror, and what tells of orders, stays.
    ELSIF to_jsonb(OLD) @> '{"order_id": null}' AND to_jsonb(OLD) ->> 'delivered_at' IS NOT NULL THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'erasing may only change the words of %', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
""" + "".join(
    f"""
CREATE TRIGGER history_erase_{table} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW
    WHEN (current_setting('shop.erasing', true) = 'on')
    EXECUTE FUNCTION history_erase_only_words({", ".join(f"'{column}'" for column in columns)});
"""
    for table, columns in TABLES.items()
)


class Migration(migrations.Migration):
    dependencies = [("history", "0018_quick_lists"), ("users", "0007_erasures"), ("catalog", "0010_erasing")]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("placed", "Placed"),
                    ("status", "Status changed"),
                    ("items", "Items changed"),
                    ("edited", "Edited"),
                    ("note", "Note"),
                    ("deleted", "Deleted"),
                    ("repaired", "Mirror repaired"),
                    ("erased", "Personal data erased"),
                    ("created", "Created"),
                    ("changed", "Changed"),
                    ("roles_changed", "Roles changed"),
                    ("registered", "Registered"),
                    ("signed_in", "Signed in"),
                    ("signed_out", "Signed out"),
                    ("sign_in_failed", "Sign-in failed"),
                    ("password_changed", "Password changed"),
                    ("password_reset", "Password reset"),
                    ("restored", "Restored"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION history_erase_only_words CASCADE;"),
    ]
