"""E-mail addresses in small letters, whoever writes them: sign-in compares what is typed that way."""

from django.db import migrations

# Only called for rows that need it.
TRIGGER = """
CREATE FUNCTION users_lower_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email := lower(NEW.email);
    RETURN NEW;
END $$;

CREATE TRIGGER users_lower_email BEFORE INSERT OR UPDATE OF email ON users
    FOR EACH ROW WHEN (NEW.email <> lower(NEW.email)) EXECUTE FUNCTION users_lower_email();
"""


class Migration(migrations.Migration):
    dependencies = [("users", "0001_tables")]

    operations = [migrations.RunSQL(TRIGGER, "DROP FUNCTION users_lower_email CASCADE;")]
