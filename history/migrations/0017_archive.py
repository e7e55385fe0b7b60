"""What the archive needs: stubs that say more, and no new order under the number of one that only left."""

import django.db.models.functions.datetime
from django.db import migrations, models

RECORD_INSERT = """
CREATE OR REPLACE FUNCTION history_record_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {refuse}
    INSERT INTO history_events (order_id, rev, kind, status, occurred_at, actor_id, actor_name, note, changes,
                                transaction_id)
    VALUES (NEW.order_id, NEW.rev, 'placed', NEW.status, NEW.changed_at, NEW.changed_by, NEW.changed_by_name,
            NEW.change_note, '{{}}', pg_current_xact_id()::text::bigint);
    RETURN NULL;
END $$;
"""
# Its document would be written over the archived one, which is the only copy. After the insert, which has waited for
# an archive that is just taking the number's order away.
REFUSE = """
    IF EXISTS (SELECT FROM archived_orders a WHERE a.order_id = NEW.order_id) THEN
        RAISE EXCEPTION 'order % is archived, its number is taken', NEW.order_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0016_feed")]

    operations = [
        migrations.AddField(
            model_name="archivedorder",
            name="latest_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(model_name="archivedorder", name="is_marked", field=models.BooleanField(db_default=True)),
        migrations.AddIndex(
            model_name="archivedorder",
            index=models.Index(
                condition=models.Q(("is_marked", False)), fields=["order_id"], name="archived_orders_unmarked"
            ),
        ),
        migrations.AddIndex(
            model_name="archivedorder", index=models.Index(fields=["latest_at"], name="archived_orders_latest")
        ),
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
        migrations.AlterField(
            model_name="event",
            name="subject",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("user", "User"),
                    ("product", "Product"),
                    ("category", "Category"),
                    ("role", "Role"),
                    ("webhook", "Webhook"),
                    ("session", "Sign-in"),
                    ("api_key", "API key"),
                    ("archive", "Archived order"),
                ],
                db_default="order",
                max_length=20,
            ),
        ),
        migrations.RunSQL(RECORD_INSERT.format(refuse=REFUSE), RECORD_INSERT.format(refuse="")),
    ]
