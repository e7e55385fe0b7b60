"""A small shop for attackers: what each page is about, and somebody of each kind, signed in.

Runs in a process of its own, with the settings of the server that is attacked, and prints what it made as JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from catalog import images, product_sheets
from catalog.models import Product
from config.api.scopes import SCOPES
from config.roles import ROLES
from history.mirror import relay
from history.models import Delivery, Endpoint, Event
from orders.models import Order
from orders.services import RequestedItem, change_status, place_order
from orders.status import Status
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive
from tests.web.customers import ADDRESS
from users import api_keys
from users.addresses import keep_address
from users.models import Address, ApiKey, Erasure, User

# Numbers of each kind of thing begin here: all have as many digits, and none is another thing's.
FIRST = {
    ("users", "user_id"): 100_000,
    ("products", "product_id"): 200_000,
    ("orders", "order_id"): 300_000,
    ("addresses", "address_id"): 400_000,
}
LIFE = (Status.PAID, Status.SHIPPED, Status.DELIVERED)


def main() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        for (table, column), first in FIRST.items():
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, column, first])
    people = _people()
    orders = _orders(people)
    Group.objects.create(name="Night shift")
    told = {
        "people": {name: user.pk for name, user in people.items()},
        "sessions": {name: _session(user) for name, user in people.items()},
        "orders": orders,
        "keys": _keys(people),
        "objects": _objects(people, orders),
        "samples": _samples(people, orders),
    }
    relay.drain()
    print(json.dumps(told))


def _people() -> dict[str, User]:
    """By what they are; all but one of the staff have a second factor."""
    people = {name: UserFactory() for name in ("the owner", "a customer")}
    staff = {role: UserFactory(is_staff=True) for role in ROLES}
    for role, user in staff.items():
        user.groups.add(Group.objects.get(name=role))
    staff |= {"staff without a role": UserFactory(is_staff=True), "a superuser": StaffFactory()}
    for user in staff.values():
        TOTP.activate(user, generate_totp_secret())
    people |= staff | {"no second factor": StaffFactory(), "an analyst": UserFactory()}
    people["an analyst"].groups.add(Group.objects.get(name="Analyst"))
    for name in ("the owner", "a customer"):
        keep_address(people[name], ADDRESS, at=timezone.now())
    return people


def _session(user: User) -> str:
    """The key of a session in which the password has just been asked for again, and will have been for a day."""
    client = Client()
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() + 86_400, "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _orders(people: dict[str, User]) -> dict[str, int]:
    """Live and archived ones of both customers."""
    lamp = _lamp()
    kettle = ProductFactory(name="Kettle", sku="KETTLE", price=Decimal("25.50"), stock=1000)
    boss = people["a superuser"]

    def place(customer: User, steps: Iterable[str]) -> Order:
        items = [RequestedItem(lamp, 2), RequestedItem(kettle, 1)]
        at = timezone.now() - timedelta(days=3)
        order = place_order(customer=customer, items=items, key=str(uuid4()), at=at, shipping_address=ADDRESS)
        for step in steps:
            order = change_status(order, to=step, by=boss, at=timezone.now())
        return order

    owner, customer = people["the owner"], people["a customer"]
    made = {
        "pending": place(owner, ()),
        "paid": place(owner, LIFE[:1]),
        "shipped": place(owner, LIFE[:2]),
        "delivered": place(owner, LIFE),
        "archived": place(owner, LIFE),
        "restorable": place(owner, LIFE),
        "the customer's": place(customer, ()),
        "the customer's archived": place(customer, LIFE),
    }
    archive(*(made[name] for name in ("archived", "restorable", "the customer's archived")))
    return {name: order.pk for name, order in made.items()}


@transaction.atomic
def _lamp() -> Product:
    """It has a picture."""
    drawn = BytesIO()
    Image.new("RGB", (8, 8), "red").save(drawn, "PNG")
    lamp = ProductFactory(name="Lamp", sku="LAMP", price=Decimal("10.00"), stock=1000, category=CategoryFactory())
    images.replace(lamp, images.read(SimpleUploadedFile("lamp.png", drawn.getvalue())))
    lamp.save(update_fields=["image"])
    return lamp


def _keys(people: dict[str, User]) -> dict[str, str]:
    """By their scope, or by what is special about them."""
    every, customer = list(SCOPES), people["a customer"]
    wanted: dict[str, tuple[list[str], User | None, int]] = {
        **{scope: ([scope], None, 100_000) for scope in every},
        "all": (every, None, 100_000),
        "a customer's": (["orders:read", "orders:write"], customer, 100_000),
        "revoked": (every, None, 100_000),
        "of a closed account": (["orders:read"], UserFactory(is_active=False), 100_000),
        "tired": (["orders:read"], None, 3),
        "sample": (["orders:read"], None, 1),
    }
    made = {
        name: api_keys.make(name=name, scopes=scopes, customer=of, requests_per_minute=limit)
        for name, (scopes, of, limit) in wanted.items()
    }
    api_keys.revoke(made["revoked"][0], at=timezone.now())
    return {name: text for name, (_, text) in made.items()}


def _objects(people: dict[str, User], orders: dict[str, int]) -> dict[str, int]:
    """What each model's pages in the back office are about."""
    endpoint = Endpoint.objects.create(name="Warehouse", url="https://hooks.example/", position=0)
    delivery = Delivery.objects.create(
        endpoint=endpoint, event_id=1, order_id=orders["pending"], rev=1, kind="placed", tried_at=timezone.now()
    )
    product = Product.objects.get(sku="LAMP")
    owner = people["the owner"]
    rows: list[Any] = [
        product,
        product.category,
        UserFactory(),  # one who has ordered is not deleted
        Group.objects.get(name="Night shift"),
        endpoint,
        delivery,
        Erasure.objects.create(user_id=0, asked_by_name="x", asked_at=timezone.now()),
        Event.objects.filter(order_id=orders["pending"]).earliest("pk"),
        EmailAddress.objects.get(user=owner),
        Authenticator.objects.filter(user=people["Manager"]).get(),
        ApiKey.objects.get(name="sample"),
        UserSession.objects.create(user=owner, ip="192.0.2.1", session_key="x" * 32, user_agent="Telephone/1"),
    ]
    found = {f"{row._meta.app_label}_{row._meta.model_name}": row.pk for row in rows}
    return found | {"orders_order": orders["pending"]}


def _samples(people: dict[str, User], orders: dict[str, int]) -> dict[str, Any]:
    """What addresses take, by its name."""
    product, owner = Product.objects.select_related("category").get(sku="LAMP"), people["the owner"]
    lines = "sku,name,price,stock\nNEW,New lamp,1.00,1\n"
    sheet = product_sheets.upload(lines, name="new.csv", by=people["a superuser"], at=timezone.now())
    return {
        "address_id": Address.objects.get(customer=owner).pk,
        "order_id": orders["pending"],
        "product_id": product.pk,
        "user_id": owner.pk,
        "sheet_id": sheet.pk,
        "content_type_id": ContentType.objects.get_for_model(Product).pk,
        "slug": product.slug,
        "category_slug": product.category.slug,
        "picture": images.file_name(product.image, "small"),
        "sku": product.sku,
        "day": timezone.localdate().isoformat(),
    }
