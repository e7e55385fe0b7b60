"""The values by which the shop's list is filtered and counted, each in one spelling: 1, 1.0 and "1 " are one."""

from django.db import migrations

# In sync with catalog.filters.one_spelling. As many characters as an address may have: longer ones fit no index.
FUNCTION = r"""
CREATE FUNCTION search_facets(jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(array_agg(DISTINCT facet), '{}')
    FROM jsonb_each(CASE WHEN jsonb_typeof($1) = 'object' THEN $1 ELSE '{}' END) AS attribute (name, value),
        LATERAL (SELECT normalize(btrim(regexp_replace(value #>> '{}', '\s+', ' ', 'g')), NFC)) AS single (text),
        LATERAL (SELECT name || ':' || CASE WHEN text ~ '^-?(0|[1-9]\d{0,14})(\.\d{1,6})?$'
            THEN trim_scale(text::numeric)::text ELSE text END) AS found (facet)
    WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean') AND text <> '' AND name <> '' AND name NOT LIKE '%:%'
        AND length(facet) <= 200);
"""

COLUMN = """
ALTER TABLE products ADD COLUMN facets text[] GENERATED ALWAYS AS (search_facets(attributes)) STORED;
-- The shop's list, of chosen values: facets @> ARRAY[...].
CREATE INDEX products_facets ON products USING gin (facets);
"""


class Migration(migrations.Migration):
    # squawk: adding-field-with-default: products are few thousands, rewritten in some seconds; a trigger would stay for ever
    # squawk: require-concurrent-index-creation: the rewriting before it has the lock already
    dependencies = [("catalog", "0013_one_spelling_of_skus")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION search_facets(jsonb)"),
        migrations.RunSQL(COLUMN, "ALTER TABLE products DROP COLUMN facets"),
    ]
