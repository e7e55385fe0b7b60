"""What the shop's list needs to be quick: words to search, units sold to sort by, indexes."""

import django.contrib.postgres.indexes
import django.db.models.functions
from django.db import migrations, models

# The words of a product, kept by the database itself, whoever writes the row. The model does not know the column:
# every read of a product would carry it along.
WORDS = """
ALTER TABLE products ADD COLUMN words tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name), 'A')
    || setweight(to_tsvector('simple', regexp_replace(sku, '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(jsonb_to_tsvector('english', attributes, '["string"]'), 'B')
    || setweight(to_tsvector('english', description), 'C')
) STORED;
-- The shop's search: words @@ to_tsquery.
CREATE INDEX products_words ON products USING gin (words);
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_tables")]

    operations = [
        migrations.RunSQL(WORDS, "ALTER TABLE products DROP COLUMN words;"),
        migrations.AddField(
            model_name="product",
            name="units_sold",
            field=models.IntegerField(db_default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["-units_sold", "-product_id"], name="products_best_selling"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["price", "product_id"], name="products_by_price"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["category", "-created_at", "-product_id"], name="products_of_category"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(django.db.models.functions.Upper("sku"), name="products_sku_any_case"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["attributes"], name="products_attributes", opclasses=["jsonb_path_ops"]
            ),
        ),
    ]
