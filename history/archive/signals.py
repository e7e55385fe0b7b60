"""What archived orders hold stays: their customers and products are not deleted, as little as those of live orders."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.signals import pre_delete

from catalog.models import Product
from history.models import ArchivedOrder
from users.models import User


def connect() -> None:
    for model, refuse in ((User, keep_customer), (Product, keep_product)):
        pre_delete.connect(refuse, sender=model, dispatch_uid=f"history.archive.{model.__name__}")


def keep_customer(*, instance: User, **_: Any) -> None:
    _refuse(instance, ArchivedOrder.objects.filter(user_id=instance.pk))


def keep_product(*, instance: Product, **_: Any) -> None:
    _refuse(instance, ArchivedOrder.objects.filter(product_ids__contains=[instance.pk]))


def _refuse(wanted: models.Model, orders: models.QuerySet[ArchivedOrder]) -> None:
    held_by: set[models.Model] = set(orders[:1])
    if held_by:
        raise models.ProtectedError(f"{wanted} is in archived orders", held_by)
