"""Importing what was seen of a file of products, some hundred lines a transaction.

So a sale of one of the products waits for a moment at most. Each batch is committed together with how far it brought
the file: a worker that dies leaves nothing half done, and the next one goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from catalog import product_file, product_sheets, stock
from catalog.models import Product, ProductSheet, Reason, SheetState, StockMovement
from catalog.product_file import BadLine, Change, Lines
from catalog.product_sheets import BATCH, OTHER_STOCK, TOLD, Claim, SheetError
from catalog.signals import products_imported
from catalog.stock_desk import BY_STAFF, LARGEST

# Django's bulk_update takes four times as long, and the stock would need a statement of its own.
CHANGE = """
UPDATE products SET name = line.name, category_id = line.category_id, price = line.price, is_active = line.is_active,
    attributes = line.attributes, description = line.description, stock = products.stock + line.delta
FROM unnest(
        %s::bigint[], %s::text[], %s::bigint[], %s::numeric[], %s::boolean[], %s::jsonb[], %s::text[], %s::integer[])
    AS line (product_id, name, category_id, price, is_active, attributes, description, delta)
WHERE products.product_id = line.product_id
"""
# By the number of a line: of which product, by its mark, the stock was to change by what, or by what instead if that is
# chosen; None: of a new one.
Seen = dict[int, tuple[int, str, int, int] | None]


def take(claim: Claim) -> None:
    """Import what was seen of a file, from where it has come to. Raises Superseded, Stopped, SheetError.

    Stock moves by the differences that its reader saw, so sales since then still count. Left out are lines of products
    that somebody changed, counted, restocked or added meanwhile, and those that would leave less than nothing.
    """
    sheet = ProductSheet.objects.get(pk=claim.sheet_id)
    seen: Seen = {int(line): was and tuple(was) for line, was in sheet.seen.items()}
    for lines in product_file.batches(sheet.text, BATCH, after=sheet.done):
        try:
            _take_some(claim, lines, seen)
        except IntegrityError:
            # A colleague added one of the products in this moment: now it is seen.
            _take_some(claim, lines, seen)
    with transaction.atomic():
        claim.hold()
        product_sheets.end(claim.rows, SheetState.IMPORTED, at=timezone.now())


@transaction.atomic
def _take_some(claim: Claim, lines: Lines, seen: Seen) -> None:
    sheet = claim.hold()
    by = _importer(sheet)
    good, refused = _sorted(lines.only(seen), seen, sheet)
    told = {"reason": Reason.IMPORT, "by": by, "at": timezone.now(), "note": sheet.name}
    added = _add([each.product for each in good if each.is_new], told)
    changed = _change([each for each in good if not each.is_new], told)
    products_imported.send(Product, added=added, changed=changed, by=by)
    result = sheet.result or {"added": 0, "changed": 0, "refused": 0, "lines": []}
    claim.go_on(
        done=lines.upto,
        result={
            "added": result["added"] + len(added),
            "changed": result["changed"] + len(changed),
            "refused": result["refused"] + len(refused),
            "lines": (result["lines"] + [each.shown() for each in refused])[:TOLD],
        },
    )


def _importer(sheet: ProductSheet) -> AbstractBaseUser:
    user = get_user_model()._default_manager.filter(pk=sheet.uploaded_by).first()
    if user is None or not user.has_perm("catalog.import_product"):
        raise SheetError(f"{sheet.uploader_name} may not import products any more.")
    return user


def _sorted(lines: Lines, seen: Seen, sheet: ProductSheet) -> tuple[list[Change], list[BadLine]]:
    """Lock the products of some lines; return what is to be changed, and the lines that are left out."""
    keys = [was[0] for line in lines.numbers() if (was := seen[line])]
    list(Product.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True))
    changes, refused = product_file.Reader().read(lines)
    counted = _counted_since(sheet, keys)
    good = []
    for change in changes:
        was = seen[change.line]
        is_other = sheet.found.get("stock") == OTHER_STOCK
        meant = replace(change, delta=was[3] if is_other else was[2]) if was and not change.is_new else change
        if told := _objection(meant, was, counted):
            refused.append(BadLine(meant.line, told))
        elif not meant.is_none:
            good.append(meant)
    return good, refused


def _counted_since(sheet: ProductSheet, keys: list[int]) -> dict[int, StockMovement]:
    movements = StockMovement.objects.filter(product__in=keys, reason__in=BY_STAFF, moved_at__gt=sheet.read_at)
    return {movement.product_id: movement for movement in movements.order_by("movement_id")}


def _objection(change: Change, was: tuple[int, str, int, int] | None, counted: dict[int, StockMovement]) -> str:
    """Why a line is left out, empty where it is not."""
    product, left = change.product, change.stock + change.delta
    if was is None:
        return "" if change.is_new else "the product was added by a colleague meanwhile."
    if change.is_new:
        return "the product was deleted meanwhile, or has another SKU."
    if (product.pk, change.mark) != was[:2]:
        return "the product was changed by a colleague meanwhile."
    if change.delta and product.pk in counted:
        return f"its stock was changed meanwhile ({counted[product.pk]}, by {counted[product.pk].actor_name})."
    if not 0 <= left <= LARGEST:
        return f"{change.stock:,} are left by now; changed by {change.delta:+,} that would be {left:,}."
    return ""


def _add(products: list[Product], told: dict[str, Any]) -> list[Product]:
    if products:
        stock.tell(**told)
    # In one order, so that two files with the same products wait for each other and not both.
    return Product.objects.bulk_create(sorted(products, key=lambda product: product.sku))


def _change(changes: Sequence[Change], told: dict[str, Any]) -> list[tuple[Product, dict[str, list[Any]]]]:
    """Write the locked rows; return each product with what changed."""
    if changes:
        stock.tell(**told)
        products = [each.product for each in changes]
        columns: list[list[Any]] = [
            [product.pk for product in products],
            [product.name for product in products],
            [product.category_id for product in products],
            [product.price for product in products],
            [product.is_active for product in products],
            [json.dumps(product.attributes) for product in products],
            [product.description for product in products],
            [each.delta for each in changes],
        ]
        with connection.cursor() as cursor:
            cursor.execute(CHANGE, columns)
    return [(each.product, each.changes | _moved(each)) for each in changes]


def _moved(change: Change) -> dict[str, list[Any]]:
    return {"stock": [change.stock, change.stock + change.delta]} if change.delta else {}
