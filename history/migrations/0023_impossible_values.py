"""Refuse values that a column can hold and nothing can work with: NaN, times beyond the years 1 to 9999, other JSON.

Triggers and not CHECK constraints. A CHECK, even one that is NOT VALID, is applied to every UPDATE of a row, whatever
it changes: a single bad row of before would make the relay, the count of sales or a sale fail. These triggers refuse
what is written from now on; rows that were there before can still be changed, and mended. To find them:

    SELECT order_id FROM orders WHERE NOT total_amount < 'Infinity'
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION refuse_impossible_value() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(OLD) -> TG_ARGV[0] = to_jsonb(NEW) -> TG_ARGV[0] THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of % cannot be %: %',
        TG_ARGV[0], TG_TABLE_NAME, left(to_jsonb(NEW) ->> TG_ARGV[0], 80), TG_ARGV[1]
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, COLUMN = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END $$;
"""

# A day less at either end: in any time zone it is one of the years 1 to 9999.
TIME = (
    "NEW.{column} >= '0001-01-02 00:00+00' AND NEW.{column} < '9999-12-31 00:00+00'",
    "a time is in the years 1 to 9999",
)
NUMBER = "NEW.{column} >= 0 AND NEW.{column} < 'Infinity'", "it is a number from 0"
OBJECT = "jsonb_typeof(NEW.{column}) = 'object'", "it is a JSON object"
LIST = "jsonb_typeof(NEW.{column}) = 'array'", "it is a JSON list"
SMALL_OBJECT = OBJECT[0] + " AND pg_column_size(NEW.{column}) <= 1000000", "it is a JSON object of up to a megabyte"

COLUMNS = [
    (NUMBER, "archived_orders", "total_amount"),
    (NUMBER, "cart_items", "price_seen"),
    (NUMBER, "order_items", "price"),
    (NUMBER, "orders", "total_amount"),
    (NUMBER, "products", "price"),
    (NUMBER, "reconcile_runs", "seconds"),
    (NUMBER, "refunds", "amount"),
    (SMALL_OBJECT, "orders", "shipping_address"),
    (SMALL_OBJECT, "products", "attributes"),
    (OBJECT, "erasures", "counts found"),
    (OBJECT, "history_events", "changes"),
    (OBJECT, "product_sheets", "found moves result"),
    (LIST, "refunds", "items"),
    (TIME, "addresses", "used_at"),
    (TIME, "api_answers", "answered_at"),
    (TIME, "api_keys", "created_at last_used_at revoked_at"),
    (TIME, "api_uses", "since"),
    (TIME, "archived_orders", "archived_at created_at latest_at"),
    (TIME, "erasures", "asked_at confirmed_at finished_at withdrawn_at"),
    (TIME, "feed_events", "numbered_at occurred_at"),
    (TIME, "history_events", "occurred_at recorded_at delivered_at parked_at retry_at"),
    (TIME, "mirror_samples", "taken_at"),
    (TIME, "order_mails", "due_at sent_at tried_at"),
    (TIME, "orders", "changed_at created_at told_customer_at"),
    (TIME, "product_sheets", "due_at imported_at read_at uploaded_at"),
    (TIME, "products", "created_at"),
    (TIME, "rate_counts", "expires_at"),
    (TIME, "reconcile_runs", "since started_at"),
    (TIME, "refunds", "refunded_at"),
    (TIME, "rollup_queue", "day queued_at since"),
    (TIME, "stock_movements", "moved_at"),
    (TIME, "users", "created_at last_login"),
    (TIME, "webhook_deliveries", "created_at delivered_at due_at first_tried_at tried_at"),
    (TIME, "webhook_endpoints", "created_at failing_since retry_at rotated_at"),
]

# The condition is looked at without a call, so a possible value costs next to nothing. The names come late in the
# alphabet on purpose: PostgreSQL fires triggers in that order, and what others fill in is looked at too.
TRIGGERS = "".join(
    f"""
CREATE TRIGGER {table}_{column}_possible BEFORE INSERT OR UPDATE OF {column} ON {table} FOR EACH ROW
    WHEN (NOT ({condition.format(column=column)}))
    EXECUTE FUNCTION refuse_impossible_value('{column}', '{why}');
"""
    for (condition, why), table, columns in COLUMNS
    for column in columns.split()
)


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0022_refuse_loss"),
        ("catalog", "0010_erasing"),
        ("orders", "0007_quick_lists"),
        ("users", "0009_rate_counts"),
    ]

    operations = [migrations.RunSQL(FUNCTION + TRIGGERS, "DROP FUNCTION refuse_impossible_value CASCADE;")]
