"""Who made an account or gave it rights, and whether it ever had any: what four eyes and changes of email go by."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

# Rights come by the columns, a role or a permission, and by plain SQL too. They may be taken away: the mark stays.
TRIGGERS = """
CREATE FUNCTION users_note_rights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.had_rights := true;
    RETURN NEW;
END $$;

CREATE FUNCTION users_note_granted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET had_rights = true WHERE user_id = NEW.user_id AND NOT had_rights;
    RETURN NULL;
END $$;

CREATE TRIGGER users_note_rights BEFORE INSERT OR UPDATE OF is_staff, is_superuser, had_rights ON users
    FOR EACH ROW WHEN ((NEW.is_staff OR NEW.is_superuser) AND NOT NEW.had_rights) EXECUTE FUNCTION users_note_rights();
CREATE TRIGGER users_note_role AFTER INSERT OR UPDATE ON users_groups
    FOR EACH ROW EXECUTE FUNCTION users_note_granted();
CREATE TRIGGER users_note_permission AFTER INSERT OR UPDATE ON users_user_permissions
    FOR EACH ROW EXECUTE FUNCTION users_note_granted();

-- The few who have rights today.
UPDATE users SET had_rights = true
WHERE is_staff OR is_superuser OR user_id IN (SELECT user_id FROM users_groups)
    OR user_id IN (SELECT user_id FROM users_user_permissions);
"""
BACK = "DROP FUNCTION users_note_rights CASCADE; DROP FUNCTION users_note_granted CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("users", "0010_one_spelling_of_email")]

    operations = [
        migrations.AddField("user", "had_rights", models.BooleanField(db_default=False, editable=False)),
        migrations.AddField(
            "user", "vouched_by", ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)
        ),
        migrations.RunSQL(TRIGGERS, BACK),
    ]
