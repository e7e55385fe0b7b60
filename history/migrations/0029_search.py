"""The indexes by which the back office finds orders by the words of a note, archived ones by their reference."""

from django.db import migrations

NOTES = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS history_events_note_words ON history_events
    USING gin (search_set(note)) WHERE note <> '';
"""
ARCHIVED = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS archived_orders_words ON archived_orders
    USING gin (search_set(external_ref));
"""


class Migration(migrations.Migration):
    # Built while orders go on being placed.
    atomic = False

    dependencies = [("history", "0028_erase_references"), ("catalog", "0011_search_any_script")]

    operations = [
        migrations.RunSQL(NOTES, "DROP INDEX IF EXISTS history_events_note_words"),
        migrations.RunSQL(ARCHIVED, "DROP INDEX IF EXISTS archived_orders_words"),
    ]
