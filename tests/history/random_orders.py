"""Orders as life brings them: every status, several items, a product twice, totals that are not their sum."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from catalog.models import Product
from orders.models import Order, OrderItem
from orders.status import Status
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from users.models import User


def place_random_orders(count: int, *, around: Sequence[datetime], seed: int) -> list[Order]:
    """Place orders within two days of the given moments, some of them to the second at a full hour."""
    chance = random.Random(seed)
    categories = CategoryFactory.create_batch(2)
    products = [ProductFactory(price=_price(chance), category=chance.choice([*categories, None])) for _ in range(6)]
    customers = UserFactory.create_batch(5)
    return [_place(chance, _moment(chance, around), products, chance.choice(customers)) for _ in range(count)]


def _moment(chance: random.Random, around: Sequence[datetime]) -> datetime:
    moment = chance.choice(around) + timedelta(seconds=chance.randint(-172_800, 172_800))
    if chance.random() < 0.3:
        return moment.replace(minute=0, second=0, microsecond=0)
    return moment.replace(microsecond=chance.randrange(1_000_000))


def _place(chance: random.Random, at: datetime, products: list[Product], customer: User) -> Order:
    with transaction.atomic():
        order = Order.objects.create(
            customer=customer,
            total_amount=_price(chance),
            status=chance.choice(Status.values),
            created_at=at,
        )
        OrderItem.objects.bulk_create(
            OrderItem(order=order, product=product, quantity=chance.randint(1, 5), price=_price(chance))
            for product in chance.choices(products, k=chance.randint(0, 4))
        )
    return order


def _price(chance: random.Random) -> Decimal:
    return Decimal(chance.randint(0, 99_999)).scaleb(-2)
