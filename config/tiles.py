"""What waits for staff, on the start page of the back office: each a number that opens its list.

Source: PostgreSQL; MongoDB is asked only whether it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from pymongo.errors import PyMongoError

from catalog.models import Product
from config.paging import count_up_to
from history import mongo
from history.mirror import lag
from history.models import Event
from orders.models import Order
from orders.status import Status
from users.models import Erasure, User

MOST = 1000  # counted; more are told as 1,000+
LATE_SECONDS = 60


@dataclass(frozen=True)
class Tile:
    """is_alarm: somebody has to look after it."""

    label: str
    value: str
    url: str
    note: str = ""
    is_alarm: bool = False


def tiles(user: User) -> list[Tile]:
    """The tiles that somebody may open, by a few statements whose cost does not grow with the tables."""
    return [make() for permissions, make in TILES if user.has_perms(permissions)]


def _orders(label: str, status: Status) -> Tile:
    # From the index of the list it opens, orders_by_status.
    count = count_up_to(Order.objects.filter(status=status), MOST)
    return Tile(label, str(count), _list("admin:orders_order_changelist", status__exact=status))


def _low_stock() -> Tile:
    # No index: it would be written with every sale.
    count = count_up_to(Product.objects.low_stock(), MOST)
    note = f"{settings.LOW_STOCK} or fewer left"
    return Tile("Low stock", str(count), _list("admin:catalog_product_changelist", in_stock="low"), note)


def _erasures() -> Tile:
    count = count_up_to(Erasure.objects.waiting(timezone.now()), MOST)
    failing = Erasure.objects.failing().count()
    note = f"{failing} failing" if failing else ""
    url = _list("admin:users_erasure_changelist", state="failing" if failing else "waiting")
    return Tile("Erasures to confirm", str(count), url, note, is_alarm=bool(failing))


def _relay_lag() -> Tile:
    waiting = lag.oldest_waiting()
    late = waiting is not None and waiting.total_seconds() > LATE_SECONDS
    note = "behind; is a relay running?" if late else ""
    try:
        mongo.ping()
    except PyMongoError:
        late, note = True, "MongoDB is not reachable. Shop and orders are unaffected."
    return Tile("Relay lag", lag.duration(waiting) if waiting else "none", reverse("admin:history_mirror"), note, late)


def _parked() -> Tile:
    count = count_up_to(Event.objects.parked(), MOST)
    url = _list("admin:history_event_changelist", delivery="parked")
    return Tile("Parked events", str(count), url, is_alarm=bool(count))


def _list(name: str, **filters: str) -> str:
    return f"{reverse(name)}?{urlencode(filters)}"


# What one must be allowed to see for each.
TILES: list[tuple[Collection[str], Callable[[], Tile]]] = [
    (["orders.view_order"], partial(_orders, "To confirm payment", Status.PENDING)),
    (["orders.view_order"], partial(_orders, "To ship", Status.PAID)),
    (["catalog.view_product"], _low_stock),
    (["users.erase_user", "users.view_erasure"], _erasures),
    (["history.view_mirror"], _relay_lag),
    (["history.view_event"], _parked),
]
