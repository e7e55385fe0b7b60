"""Rows that come back from nowhere else cannot be deleted all at once, in any table of the catalogue."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

pytestmark = pytest.mark.django_db

# Tables that may be emptied, and why nothing is lost by it that the shop vouches for.
MAY_BE_EMPTIED = {
    "account_emailaddress": "allauth's; who signs in is in users",
    "account_emailconfirmation": "links that expire",
    "account_emails": "emails on their way; their links expire",
    "api_answers": "answers kept for a day",
    "api_uses": "requests of this minute",
    "auth_group": "each migrate makes the roles",
    "auth_group_permissions": "each migrate gives the roles their permissions",
    "auth_permission": "each migrate makes them",
    "cart_items": "carts, which customers empty themselves",
    "django_admin_log": "Django's; what staff did is in history_events",
    "django_content_type": "each migrate makes them",
    "django_migrations": "Django's own",
    "django_session": "sign-ins that expire",
    "feed_ends": "how far the feed was read, found again from feed_events",
    "mfa_authenticator": "staff set up another one",
    "mirror_samples": "samples, kept for days",
    "old_category_slugs": "earlier addresses of categories, which redirect",
    "order_mails": "mails that were sent, or wait; orders do not depend on them",
    "parked_rows": "what could not be worked on; whoever tries again names it again",
    "product_sheets": "files, kept for days",
    "rate_counts": "counts of minutes",
    "reconcile_runs": "runs, kept for days",
    "rollup_queue": "days to be counted again; `rebuild_history` queues all",
    "users_groups": "staff give roles again",
    "users_user_permissions": "staff give permissions again",
    "usersessions_usersession": "sign-ins that expire",
    "webhook_deliveries": "tries, kept for days",
}
# What says so itself comes from a trigger; what does not is kept by a table that depends on it.
REFUSED = "is refused|use DELETE|append-only"


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_table_of_the_truth_refuses_to_be_emptied():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in cursor.fetchall()}
    assert MAY_BE_EMPTIED.keys() <= tables

    for table in sorted(tables - MAY_BE_EMPTIED.keys()):
        with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
            execute(f'TRUNCATE "{table}" CASCADE')


@pytest.mark.parametrize("table", ["archived_orders", "refunds"])
def test_the_only_record_of_something_is_not_deleted(table):
    with pytest.raises(IntegrityError, match=f"DELETE of {table} is refused: "), transaction.atomic():
        execute(f"DELETE FROM {table}")
