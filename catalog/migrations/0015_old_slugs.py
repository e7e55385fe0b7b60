"""The slugs that categories had: kept by the database, whoever changes one, so that old addresses lead to the new one."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = """
CREATE TABLE old_category_slugs (
    slug varchar(100) PRIMARY KEY,
    category_id bigint NOT NULL REFERENCES categories (category_id) ON DELETE CASCADE
);
CREATE FUNCTION keep_old_category_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO old_category_slugs (slug, category_id) VALUES (OLD.slug, OLD.category_id)
    ON CONFLICT (slug) DO UPDATE SET category_id = EXCLUDED.category_id;
    RETURN NULL;
END $$;
CREATE TRIGGER categories_keep_old_slug AFTER UPDATE OF slug ON categories
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION keep_old_category_slug();
"""
NO_TABLE = """
DROP TRIGGER categories_keep_old_slug ON categories;
DROP FUNCTION keep_old_category_slug();
DROP TABLE old_category_slugs;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0014_facets")]

    operations = [
        migrations.RunSQL(
            TABLE,
            NO_TABLE,
            state_operations=[
                migrations.CreateModel(
                    "OldSlug",
                    fields=[
                        ("slug", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        (
                            "category",
                            models.ForeignKey(
                                db_column="category_id",
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="catalog.category",
                            ),
                        ),
                    ],
                    options={"db_table": "old_category_slugs", "default_permissions": ()},
                ),
            ],
        ),
    ]
