"""What staff do to stock: set right what was counted otherwise, take in a delivery."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from catalog import stock
from catalog.models import Product, Reason, StockMovement
from catalog.signals import stock_set

LARGEST = 2**31 - 1  # what the column holds
# By people who looked at the shelf: another one who did has to know. Orders move stock all the time.
BY_STAFF = [Reason.OPENING, Reason.CORRECTION, Reason.RESTOCK, Reason.IMPORT]


class StockError(Exception):
    """The stock was not moved; the text says why."""


class MovedOn(StockError):
    def __init__(self, movement: StockMovement, *, reader: AbstractBaseUser) -> None:
        who = "you" if movement.actor_id == reader.pk else movement.actor_name
        when = date_format(timezone.localtime(movement.moved_at), "j M Y, H:i:s")
        super().__init__(
            f"Since you opened this page, the stock was changed by {movement.delta:+,} ({movement.get_reason_display()}"
            f", by {who} at {when}). Nothing was changed now: look at the number again, then send it."
        )


@transaction.atomic
def correct(product: Product, *, to: int, seen: int, by: AbstractBaseUser, at: datetime, note: str) -> int:
    """Correct the stock to what was counted and return what is left now: sales since the page was opened still count.

    seen: the newest movement the page showed, 0 for none. at: aware datetime. note: why, for the ledger.
    Raises MovedOn where staff moved it since then, StockError where it would be below 0, nothing would
    change or the product is gone.
    """
    shown = _shown(product, seen)
    if to == shown:
        raise StockError(f"The stock was {shown:,} already: there is nothing to correct.")
    return _move(product, to - shown, reason=Reason.CORRECTION, seen=seen, by=by, at=at, note=note)


@transaction.atomic
def restock(product: Product, *, to: int, seen: int, by: AbstractBaseUser, at: datetime, note: str) -> int:
    """Add what was delivered (`to`, at least 1) to the stock and return what is left now; otherwise like `correct`."""
    return _move(product, to, reason=Reason.RESTOCK, seen=seen, by=by, at=at, note=note)


@transaction.atomic
def adjust(product: Product, *, delta: int, reason: Reason, by: AbstractBaseUser | str, at: datetime, note: str) -> int:
    """Move the stock by what somebody else has counted the difference of, and return what is left now.

    delta: not 0. Raises StockError where the stock would be below 0 or the product is gone.
    """
    left = _locked(product)
    return _take(product, left, delta, reason=reason, by=by, at=at, note=note)


def _move(
    product: Product, delta: int, *, reason: Reason, seen: int, by: AbstractBaseUser, at: datetime, note: str
) -> int:
    left = _locked(product)
    since = StockMovement.objects.of_product(product).filter(pk__gt=seen, reason__in=BY_STAFF).newest_first().first()
    if since is not None:
        raise MovedOn(since, reader=by)
    return _take(product, left, delta, reason=reason, by=by, at=at, note=note)


def _locked(product: Product) -> int:
    """Lock it and return its stock."""
    rows = Product.objects.select_for_update(no_key=True).filter(pk=product.pk)
    left = rows.values_list("stock", flat=True).first()
    if left is None:
        raise StockError(f"{product} was deleted meanwhile.")
    return left


def _take(
    product: Product, left: int, delta: int, *, reason: Reason, by: AbstractBaseUser | str, at: datetime, note: str
) -> int:
    if not 0 <= left + delta <= LARGEST:
        raise StockError(f"{left:,} are left by now; changed by {delta:+,} that would be {left + delta:,}.")
    stock.move({product.pk: delta}, reason=reason, by=by, at=at, note=note)
    stock_set.send(Product, product=product, old=left, new=left + delta, by=by, note=note)
    return left + delta


def _shown(product: Product, seen: int) -> int:
    """What was left after the movement that the page showed last."""
    if seen == 0:
        return 0
    movement = StockMovement.objects.of_product(product).filter(pk=seen).first()
    if movement is None:
        raise StockError("This page is not of this product. Open it again.")
    return movement.stock_after
