"""Importing a file of products: looked at first, then taken, some hundred lines a transaction.

So sales of a product wait for a moment at most, and a file that was taken half (its server died) can be taken again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from catalog import product_file, stock
from catalog.models import Product, ProductSheet, Reason, StockMovement
from catalog.product_file import BadLine, Change, Plan
from catalog.signals import products_imported
from catalog.stock_desk import BY_STAFF, LARGEST

BATCH = 500  # lines
KEPT = timedelta(days=1)


class AlreadyImported(Exception):
    """The same sheet was sent twice."""


@dataclass
class Outcome:
    added: int = 0
    changed: int = 0
    refused: list[BadLine] = field(default_factory=list)


def look_at(text: str, *, name: str, by: AbstractBaseUser, at: datetime) -> tuple[ProductSheet, Plan]:
    """Keep a file for `take` and return what it would change; at: aware datetime. Raises product_file.FileError."""
    plan = product_file.read(text)
    ProductSheet.objects.filter(uploaded_at__lt=at - KEPT).delete()
    sheet = ProductSheet.objects.create(
        name=name[:200], text=text, moves=plan.moves(), uploaded_by=by.pk, uploaded_at=at
    )
    return sheet, plan


def take(sheet: ProductSheet, *, by: AbstractBaseUser, at: datetime) -> Outcome:
    """Import the good lines of a sheet and return what became of them. Raises AlreadyImported.

    Stock moves by the differences that its reader saw, so sales since then still count. Left out are lines of products
    that staff counted, restocked or added meanwhile, and those that would leave less than nothing.
    """
    if not ProductSheet.objects.filter(pk=sheet.pk, imported_at=None).update(imported_at=at):
        raise AlreadyImported
    changes, outcome = product_file.read(sheet.text, moves=sheet.moves).changes, Outcome()
    for start in range(0, len(changes), BATCH):
        some = changes[start : start + BATCH]
        try:
            added, changed, refused = _take_some(some, sheet, by=by, at=at)
        except IntegrityError:
            told = f"this and all lines to {some[-1].line}: a colleague adds the same product. Import the file again."
            added, changed, refused = 0, 0, [BadLine(some[0].line, told)]
        outcome.added += added
        outcome.changed += changed
        outcome.refused += refused
    return outcome


@transaction.atomic
def _take_some(
    changes: Sequence[Change], sheet: ProductSheet, *, by: AbstractBaseUser, at: datetime
) -> tuple[int, int, list[BadLine]]:
    """Take a batch; return how many were added and changed, and the lines that were left out."""
    keys = [each.product.pk for each in changes if not each.is_new]
    rows = Product.objects.filter(pk__in=keys).select_related("category").order_by("pk")
    held = {product.pk: product for product in rows.select_for_update(no_key=True, of=["self"])}
    counted = _counted_since(sheet, keys)
    good, refused = [], []
    for change in changes:
        told = "" if change.is_new else _objection(change, held.get(change.product.pk), sheet, counted)
        if told:
            refused.append(BadLine(change.line, told))
        else:
            good.append(change)
    added = _add([each.product for each in good if each.is_new], by=by, at=at, note=sheet.name)
    changed = _change([each for each in good if not each.is_new], held, by=by, at=at, note=sheet.name)
    products_imported.send(Product, added=added, changed=changed)
    return len(added), len(changed), refused


def _counted_since(sheet: ProductSheet, keys: list[int]) -> dict[int, StockMovement]:
    movements = StockMovement.objects.filter(product__in=keys, reason__in=BY_STAFF, moved_at__gt=sheet.uploaded_at)
    return {movement.product_id: movement for movement in movements.order_by("movement_id")}


def _objection(change: Change, row: Product | None, sheet: ProductSheet, counted: dict[int, StockMovement]) -> str:
    if row is None:
        return "the product was deleted meanwhile."
    if row.created_at > sheet.uploaded_at:
        return "the product was added by a colleague meanwhile."
    if change.delta and row.pk in counted:
        return f"its stock was changed meanwhile ({counted[row.pk]}, by {counted[row.pk].actor_name})."
    if not 0 <= row.stock + change.delta <= LARGEST:
        return (
            f"{row.stock:,} are left by now; changed by {change.delta:+,} that would be {row.stock + change.delta:,}."
        )
    return ""


def _add(products: list[Product], *, by: AbstractBaseUser, at: datetime, note: str) -> list[Product]:
    if products:
        stock.tell(reason=Reason.IMPORT, by=by, at=at, note=note)
    return Product.objects.bulk_create(products)


def _change(
    changes: list[Change], held: dict[int, Product], *, by: AbstractBaseUser, at: datetime, note: str
) -> list[tuple[Product, dict[str, list[Any]]]]:
    """Write what differs from the locked rows; return each product with what changed."""
    changed: list[tuple[Product, dict[str, list[Any]]]] = []
    columns: set[str] = set()
    deltas: dict[int, int] = {}
    for change in changes:
        row = held[change.product.pk]
        told: dict[str, list[Any]] = {}
        for name, (_, new) in change.changes.items():
            if (old := getattr(row, name)) != new:
                told[name] = [old, new]
                setattr(row, name, new)
        columns.update(told)
        if change.delta:
            deltas[row.pk] = change.delta
            told["stock"] = [row.stock, row.stock + change.delta]
        if told:
            changed.append((row, told))
    if columns:
        Product.objects.bulk_update([row for row, _ in changed], columns)
    if deltas:
        stock.move(deltas, reason=Reason.IMPORT, by=by, at=at, note=note)
    return changed
