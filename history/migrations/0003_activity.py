"""The log also carries activity: what people do to accounts, products and categories, and sign-ins."""

from django.db import migrations, models

GUARD = """
DROP TRIGGER history_events_append_only ON history_events;
CREATE TRIGGER history_events_append_only
    BEFORE DELETE OR UPDATE OF order_id, rev, subject, subject_id, subject_name, kind, status, occurred_at,
        is_time_known, actor_id, actor_name, note, changes, recorded_at, transaction_id
    ON history_events FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_events_append_only();
"""

# The way back: a log of orders alone has no room for activity.
GUARD_BEFORE = """
DROP TRIGGER history_events_append_only ON history_events;
DELETE FROM history_events WHERE order_id IS NULL;
CREATE TRIGGER history_events_append_only
    BEFORE DELETE OR UPDATE OF order_id, rev, kind, status, occurred_at, is_time_known, actor_id, actor_name, note,
        changes, recorded_at, transaction_id
    ON history_events FOR EACH ROW
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_events_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0002_capture")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="subject",
            field=models.CharField(
                choices=[
                    ("order", "Order"),
                    ("user", "User"),
                    ("product", "Product"),
                    ("category", "Category"),
                    ("role", "Role"),
                    ("session", "Sign-in"),
                ],
                db_default="order",
                max_length=20,
            ),
        ),
        migrations.AddField(model_name="event", name="subject_id", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="event", name="subject_name", field=models.TextField(blank=True, db_default="")),
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
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(model_name="event", name="order_id", field=models.BigIntegerField(null=True)),
        migrations.AlterField(model_name="event", name="rev", field=models.IntegerField(null=True)),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(("order_id__isnull", False), ("rev__isnull", False), ("subject", "order"))
                | models.Q(
                    models.Q(("subject", "order"), _negated=True), ("order_id__isnull", True), ("rev__isnull", True)
                ),
                name="history_events_order_or_activity",
            ),
        ),
        migrations.RunSQL(GUARD, GUARD_BEFORE),
    ]
