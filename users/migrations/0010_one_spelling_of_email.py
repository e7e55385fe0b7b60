"""One spelling of each email address: the trigger normalises what plain SQL writes, as EmailField does in Python."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

SPELLED = "translate(lower(normalize(btrim({email}), NFKC)), 'ı', 'i')"
TRIGGER = f"""
CREATE OR REPLACE FUNCTION users_lower_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email := {SPELLED.format(email="NEW.email")};
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER users_lower_email BEFORE INSERT OR UPDATE OF email ON users
    FOR EACH ROW WHEN (NEW.email <> {SPELLED.format(email="NEW.email")}) EXECUTE FUNCTION users_lower_email();
"""
BEFORE = """
CREATE OR REPLACE FUNCTION users_lower_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email := lower(NEW.email);
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER users_lower_email BEFORE INSERT OR UPDATE OF email ON users
    FOR EACH ROW WHEN (NEW.email <> lower(NEW.email)) EXECUTE FUNCTION users_lower_email();
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("users", "0009_rate_counts")]

    operations = [
        migrations.RunSQL(TRIGGER, BEFORE),
        AddIndexConcurrently("user", models.Index(fields=["email"], name="users_email")),
    ]
