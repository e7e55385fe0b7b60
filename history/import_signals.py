"""Activity of products that send no post_save: imported many at once, by one statement; their stock set by staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from catalog.models import Product
from catalog.signals import products_imported, stock_set
from history import activity
from history.activity_signals import json_value
from history.models import Event, Kind, Subject
from users.models import User

OPENING = ("name", "sku", "price", "stock", "category", "is_active", "description", "attributes")

Changed = tuple[Product, dict[str, list[Any]]]


def connect() -> None:
    products_imported.connect(imported, dispatch_uid="activity.products_imported")
    stock_set.connect(stock_was_set, dispatch_uid="activity.stock_set")


def imported(
    sender: type[Product], added: Sequence[Product], changed: Sequence[Changed], by: User, **kwargs: Any
) -> None:
    actor = activity.actor_of(by)
    events = [_event(Kind.CREATED, product, _opening(product), actor) for product in added]
    events += [_event(Kind.CHANGED, product, changes, actor) for product, changes in changed]
    activity.record_many(events)


def stock_was_set(
    sender: type[Product], product: Product, old: int, new: int, by: User | str, note: str, **kwargs: Any
) -> None:
    activity.record(
        Kind.CHANGED,
        subject=Subject.PRODUCT,
        subject_id=product.pk,
        subject_name=str(product),
        actor=activity.Actor(None, by) if isinstance(by, str) else activity.actor_of(by),
        changes={"stock": [old, new]},
        note=note,
        at=timezone.now(),
    )


def _opening(product: Product) -> dict[str, list[Any]]:
    values = {name: getattr(product, name) for name in OPENING}
    return {name: [None, value] for name, value in values.items() if value}


def _event(kind: Kind, product: Product, changes: dict[str, list[Any]], actor: activity.Actor) -> Event:
    return activity.event(
        kind,
        subject=Subject.PRODUCT,
        subject_id=product.pk,
        subject_name=str(product),
        actor=actor,
        changes={name: [json_value(value) for value in pair] for name, pair in changes.items()},
        at=timezone.now(),
    )
