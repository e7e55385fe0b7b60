"""SKUs have one spelling: no blanks around them, no repeated, no-break or invisible ones, no control characters.

What is there is put right first. Where that would be another product's SKU, the product's number is added, because
nobody but staff knows which of the two is meant: SELECT product_id, name, sku FROM products WHERE sku LIKE '% (product %)'.

A trigger and not a CHECK, which is applied to every UPDATE of a row, also of one that was written in the meantime.
"""

from django.db import migrations

INVISIBLE = r"[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
BLANK = r"[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
# A blank at either end, two blanks, or one of those characters that is not the plain blank.
ODD = rf"^ | $|  |{INVISIBLE}|[\u0001-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"

CLEAN = rf"""
WITH odd AS (
    SELECT product_id, btrim(regexp_replace(regexp_replace(sku, '{INVISIBLE}', '', 'g'), '{BLANK}+', ' ', 'g')) AS clean
    FROM products WHERE sku ~ '{ODD}'
), numbered AS (
    SELECT product_id, clean, row_number() OVER (PARTITION BY clean ORDER BY product_id) AS place FROM odd
)
UPDATE products SET sku = CASE
    WHEN numbered.clean = '' THEN ''
    WHEN place = 1 AND NOT EXISTS (SELECT FROM products other WHERE other.sku = numbered.clean) THEN numbered.clean
    ELSE btrim(left(numbered.clean, 34)) || ' (product ' || numbered.product_id || ')' END
FROM numbered WHERE products.product_id = numbered.product_id;
"""  # noqa: S608 (patterns of ours)

REFUSE = rf"""
CREATE FUNCTION catalog_refuse_odd_sku() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'SKU "%" has blanks at its ends, repeated or invisible ones, or control characters', NEW.sku
        USING ERRCODE = 'check_violation', CONSTRAINT = 'products_sku_spelling', COLUMN = 'sku', TABLE = 'products';
END $$;
CREATE TRIGGER products_sku_spelling BEFORE INSERT OR UPDATE OF sku ON products FOR EACH ROW
    WHEN (NEW.sku ~ '{ODD}') EXECUTE FUNCTION catalog_refuse_odd_sku();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0012_constraint_messages")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION catalog_refuse_odd_sku CASCADE;"),
        migrations.RunSQL(CLEAN, migrations.RunSQL.noop),
    ]
