"""Moving stock, and what callers need to know of the ledger of migration 0005.

Each change of products.stock (this module, save, update, bulk, admin, import, plain SQL) leaves one row in
stock_movements, in the same transaction, written by the database. Who and why are what that statement was told;
otherwise it is put down to "database", as opening (a new product), correction or deleted. So a product's stock is the
sum of its movements at every commit, for as long as the triggers are there; `differences` proves it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from catalog.models import Reason

TRIGGERS = {
    "catalog_record_insert": "products",
    "catalog_record_update": "products",
    "catalog_record_delete": "products",
    "catalog_refuse_truncate": "products",
    "catalog_keep_ledger": "stock_movements",
    "catalog_keep_ledger_words": "stock_movements",
    "catalog_keep_ledger_closed": "stock_movements",
}

# Told within the statement itself, which spares a sale a round trip. Once, before any row: it is not of any row.
MOVE = """
UPDATE products SET stock = stock + moved.delta
FROM unnest(%s::bigint[], %s::integer[]) AS moved (product_id, delta)
WHERE products.product_id = moved.product_id AND (SELECT set_config('catalog.movement', %s, true)) IS NOT NULL
"""

DIFFERENCES = """
SELECT product_id, coalesce(products.stock, 0), coalesce(ledger.total, 0), coalesce(ledger.is_in_step, true)
FROM products FULL JOIN (
    SELECT product_id, sum(delta) AS total, bool_and(stock_after = running) AS is_in_step
    FROM (
        SELECT product_id, delta, stock_after, sum(delta) OVER (PARTITION BY product_id ORDER BY movement_id) AS running
        FROM stock_movements
    ) movements GROUP BY product_id
) ledger USING (product_id)
WHERE coalesce(products.stock, 0) <> coalesce(ledger.total, 0) OR NOT ledger.is_in_step
ORDER BY product_id
"""


def move(
    deltas: Mapping[int, int],
    *,
    reason: Reason,
    by: AbstractBaseUser | str,
    at: datetime,
    order_id: int | None = None,
    note: str = "",
) -> None:
    """Add to the stock of each product (key: product_id) what is given, by one statement; 0 leaves no movement.

    by: a user, or the name of what did it. The caller is in a transaction and holds the products' locks, taken in key
    order, and has seen that enough is there: below 0 the database refuses all of it with an IntegrityError.
    """
    _require_transaction()
    told = _told(reason=reason, by=by, at=at, order_id=order_id, note=note)
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [list(deltas), list(deltas.values()), told])


def tell(
    *,
    reason: Reason,
    by: AbstractBaseUser | str,
    at: datetime | None = None,
    order_id: int | None = None,
    note: str = "",
) -> None:
    """Say who moves stock and why in this transaction's next statement that writes products, whatever it is.

    For a save() or an INSERT; costs a statement of its own. by: as for `move`. at: the moment of each row if None.
    """
    _require_transaction()
    with connection.cursor() as cursor:
        told = _told(reason=reason, by=by, at=at, order_id=order_id, note=note)
        cursor.execute("SELECT set_config('catalog.movement', %s, true)", [told])


def actor_id(by: AbstractBaseUser | str) -> int | None:
    """The number of who did something; None for what is no user and has only a name."""
    return None if isinstance(by, str) else by.pk


@dataclass(frozen=True)
class Difference:
    """A product whose ledger does not tell its stock: by its sum, or by what it says was left after a movement."""

    product_id: int
    stock: int  # 0 where the product is gone
    total: int
    is_in_step: bool

    def __str__(self) -> str:
        if self.stock != self.total:
            return f"product {self.product_id}: stock is {self.stock:,}, its movements add up to {self.total:,}"
        return f"product {self.product_id}: a movement's stock_after is not the sum up to it"


def differences() -> list[Difference]:
    """Return what does not add up, of all products, living and deleted, as of one moment; sales go on meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES)
        return [Difference(*row) for row in cursor.fetchall()]


def missing_triggers() -> list[str]:
    """Return the triggers that are not there or are switched off; without them stock moves unseen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled IN ('O', 'A')", [list(TRIGGERS)]
        )
        return sorted(set(TRIGGERS) - {name for (name,) in cursor.fetchall()})


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Stock moves within the transaction of what moves it.")


def _told(*, reason: Reason, by: AbstractBaseUser | str, at: datetime | None, order_id: int | None, note: str) -> str:
    """What the triggers read; what is None they fill in themselves."""
    told = {
        "reason": reason,
        "order_id": order_id,
        "note": note,
        "actor_id": actor_id(by),
        "actor_name": str(by)[:200],
        "moved_at": at and at.isoformat(),
    }
    return json.dumps(told)
