"""Words that English text leaves out, as the "can" of a watering can, are searched for in names all the same."""

from django.db import migrations

WORDS = """
ALTER TABLE products DROP COLUMN words;
ALTER TABLE products ADD COLUMN words tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name) || to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('simple', regexp_replace(sku, '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(jsonb_to_tsvector('english', attributes, '["string"]'), 'B')
    || setweight(to_tsvector('english', description), 'C')
) STORED;
-- The shop's search: words @@ to_tsquery.
CREATE INDEX products_words ON products USING gin (words);
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_search")]

    operations = [migrations.RunSQL(WORDS, migrations.RunSQL.noop)]
