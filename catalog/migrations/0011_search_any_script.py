"""One tokenizer for what is indexed and what is searched for, in every script; the name's words in a column."""

from django.db import migrations

# Called by name in queries, indexes and generated columns. RETURN binds what a body calls when it is created: a restore
# from a dump, whose search_path is empty, computes the columns again.
FUNCTIONS = r"""
-- The words of a text in one spelling, with single blanks between them: compatibility forms decomposed, small letters,
-- without accents, vowel points and invisible characters. What is not a separator belongs to a word, marks included.
-- A word has at most 100 characters.
CREATE FUNCTION search_words(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(regexp_replace(regexp_replace(
    translate(replace(lower(normalize($1, NFKD)), 'ß', 'ss'), U&'\03C2\0131\0345', U&'\03C3\0069\03B9'),
    '[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670\u200c-\u200f'
    '\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+', '', 'g'),
    '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4'
    '\u0609-\u060d\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0970\u0e3f\u0e4f\u0e5a\u0e5b\u0f0b-\u0f14\u10fb'
    '\u1360-\u1368\u17d4-\u17db\u2000-\u206f\u20a0-\u20cf\u2100-\u214f\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004'
    '\u3008-\u3020\u3030\u303d\u30fb\ufffd\U0001f000-\U0001faff]+', ' ', 'g'),
    '(\S{100})\S+', '\1', 'g'));

-- The texts and numbers of a JSON value at any depth, as one text.
CREATE FUNCTION search_json(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(string_agg(value #>> '{}', ' '), '') FROM jsonb_path_query($1, 'strict $.**') AS value
    WHERE jsonb_typeof(value) IN ('string', 'number'));

-- The words of a text to look for, in any order.
CREATE FUNCTION search_set(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_to_tsvector(array_remove(string_to_array(search_words($1), ' '), ''));

-- The same with their places, a weight to rank by and, beside each word, its English stem; of prose the stem alone,
-- and nothing of a word like "the".
CREATE FUNCTION search_vector(whole text, weight "char", is_prose boolean) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(string_agg(concat('''', lexeme, ''':', least(place, 16383), weight), ' '), '')::tsvector
    FROM unnest(string_to_array(search_words(whole), ' ')) WITH ORDINALITY AS word (text, place),
        unnest(ts_lexize('english_stem', text) || CASE WHEN is_prose THEN '{}' ELSE ARRAY[text] END) AS lexeme
    WHERE lexeme <> '');
"""

# As in 0002 and 0003, one rewriting of the table; whoever reads words meanwhile waits for it.
COLUMNS = """
ALTER TABLE products
    DROP COLUMN words,
    ADD COLUMN name_words text GENERATED ALWAYS AS (search_words(name)) STORED,
    ADD COLUMN words tsvector GENERATED ALWAYS AS (
        search_vector(name, 'A', false)
        || search_vector(sku, 'A', false)
        || search_vector(search_json(attributes), 'B', false)
        || search_vector(description, 'C', true)
    ) STORED;
-- The shop's search: words @@ tsquery.
CREATE INDEX products_words ON products USING gin (words);
"""

COLUMNS_BEFORE = """
ALTER TABLE products
    DROP COLUMN words,
    DROP COLUMN name_words,
    ADD COLUMN words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english', name) || to_tsvector('simple', name), 'A')
        || setweight(to_tsvector('simple', regexp_replace(sku, '[^[:alnum:]]+', ' ', 'g')), 'A')
        || setweight(jsonb_to_tsvector('english', attributes, '["string"]'), 'B')
        || setweight(to_tsvector('english', description), 'C')
    ) STORED;
CREATE INDEX products_words ON products USING gin (words);
"""

FUNCTIONS_BEFORE = """
DROP FUNCTION search_vector(text, "char", boolean), search_set(text), search_json(jsonb), search_words(text);
"""


class Migration(migrations.Migration):
    # squawk: adding-field-with-default: products are few thousands, rewritten in some seconds; a trigger would stay for ever
    # squawk: require-concurrent-index-creation: the rewriting before it has the lock already
    # squawk: ban-drop-column: the same statement brings it back, and the code before reads it as it is now
    dependencies = [("catalog", "0010_erasing")]

    operations = [
        migrations.RunSQL(FUNCTIONS, FUNCTIONS_BEFORE),
        migrations.RunSQL(COLUMNS, COLUMNS_BEFORE),
    ]
