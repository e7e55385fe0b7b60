"""Where the limits of sign-ins, sign-ups and resets are counted (users/counts.py)."""

from django.db import migrations

TABLE = """
-- Unlogged: worth nothing after a crash, and written at each try of a password.
CREATE UNLOGGED TABLE rate_counts (key text PRIMARY KEY, value text NOT NULL, expires_at timestamptz NOT NULL);
-- Clearing away what has expired.
CREATE INDEX rate_counts_expired ON rate_counts (expires_at);
"""


class Migration(migrations.Migration):
    dependencies = [("users", "0008_api_key_names")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE rate_counts;")]
