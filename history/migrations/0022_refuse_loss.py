"""Refuse to delete stubs of archived orders and refunds, and to empty tables whose rows come back from nowhere."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION history_refuse_loss() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

# Rows that come back from nowhere else, and why. TRUNCATE ... CASCADE of another table fires these triggers too.
TRUNCATE = {
    "archived_orders": "its rows are the only proof of what was archived; restore the orders instead",
    "refunds": "its rows say what was given back, and no event would tell of the loss",
    "erasures": "its rows are the certificates of erasures",
    "addresses": "its rows belong to customers; use DELETE",
    "api_keys": "its rows say who may use the API; revoke keys instead",
    "webhook_endpoints": "its rows say which systems are told of changes; use DELETE",
    "feed_events": "its rows are the positions up to which other systems have read; the shop deletes old ones",
}
# An order that is deleted takes its refunds along, and its event tells of them: that is a trigger's DELETE.
DELETE = {
    "archived_orders": (TRUNCATE["archived_orders"], ""),
    "refunds": (
        "a refund is a fact, and its order would have no event that tells of the loss",
        "pg_trigger_depth() = 0 AND",
    ),
}

GUARDS = "".join(
    f"""
CREATE TRIGGER history_refuse_truncate_{table} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
    WHEN (current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_refuse_loss('{why}');
"""
    for table, why in TRUNCATE.items()
) + "".join(
    f"""
CREATE TRIGGER history_refuse_delete_{table} BEFORE DELETE ON {table} FOR EACH STATEMENT
    WHEN ({also} current_setting('history.capture', true) IS DISTINCT FROM 'off')
    EXECUTE FUNCTION history_refuse_loss('{why}');
"""
    for table, (why, also) in DELETE.items()
)


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0021_request_ids"),
        ("orders", "0007_quick_lists"),
        ("users", "0009_rate_counts"),
    ]

    operations = [migrations.RunSQL(FUNCTION + GUARDS, "DROP FUNCTION history_refuse_loss CASCADE;")]
