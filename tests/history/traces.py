"""People with a mark of their own in every place that can tell of somebody, and both stores as text to look for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from bson.json_util import dumps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import authenticate
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from catalog import stock
from catalog.models import Product, Reason
from history import mongo
from orders import notes
from orders.models import CartItem, Mail, Order
from orders.returns import Returned, return_items
from orders.services import RequestedItem, change_status, place_order
from tests.factories import UserFactory
from users.addresses import keep_address
from users.models import User

HOUR = timedelta(hours=1)


def mark(number: int) -> str:
    """What is in all that a person of this number is called."""
    return f"tok{number:02}x"


class Shop:
    """A shop in which people leave traces; made at `at`, a while ago."""

    def __init__(self, product: Product, staff: User, at: datetime) -> None:
        self.product, self.staff, self.at = product, staff, at
        self._keys = iter(range(10**6))

    def person(self, number: int) -> User:
        """Somebody who did all that people do here; their address and name were others once."""
        token = mark(number)
        user = UserFactory(name=f"{token} Früher", email=f"{token}.old@priv.example")
        user.name, user.email = f"{token} O'Person %_\\", f"{token}@priv.example"
        user.save()
        authenticate(email=user.email, password="wrong")
        keep_address(user, self._address(token), at=self.at)
        CartItem.objects.create(customer=user, product=self.product, quantity=1, price_seen=self.product.price)
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": token})
        self._sessions(user)
        LogEntry.objects.create(
            user=self.staff,
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(user.pk),
            object_repr=str(user),
            action_flag=CHANGE,
            change_message=f"was {token}",
        )
        return user

    def life(self, user: User) -> list[Order]:
        """A delivered order with notes and a mail that failed, a returned one, and one that plain SQL deleted."""
        token = mark_of(user)
        delivered, returned, deleted = (self._order(user) for _ in range(3))
        for step, to in enumerate(("paid", "shipped", "delivered"), start=1):
            when, note = self.at + step * HOUR, f"rang {token}"
            delivered, returned = (
                change_status(order, to=to, by=self.staff, at=when, note=note) for order in (delivered, returned)
            )
        sent_back = {returned.items.get().pk: Returned(1, restock=True)}
        reason = f"{token} sent it back"
        return_items(returned, sent_back, seen_rev=returned.rev, reason=reason, by=self.staff, at=self.at + 5 * HOUR)
        self._note(delivered, f"Dear {token}", to_customer=True)
        Mail.objects.filter(order__in=[delivered, returned]).update(error=f"550 no such user {token}", due_at=None)
        Order.objects.filter(pk=delivered.pk).update(shipping_address={"name": token, "phone": f"+1 {token}"})
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM orders WHERE order_id = %s", [deleted.pk])
        return [delivered, returned]

    def tell_of(self, user: User, order: Order) -> None:
        """Have staff write about somebody into the order of somebody else, and into the stock ledger."""
        text = f"As for {user.name} ({user.email.upper()}), neighbours of {mark_of(user)} Lane 5"
        self._note(order, text, to_customer=False)
        what = {"reason": Reason.CORRECTION, "by": self.staff, "at": self.at, "note": f"{user.name} broke one"}
        with transaction.atomic():
            stock.move({self.product.pk: -1}, **what)

    def _note(self, order: Order, text: str, *, to_customer: bool) -> None:
        order.refresh_from_db()
        at = self.at + 6 * HOUR
        notes.add_note(order, text=text, to_customer=to_customer, seen_rev=order.rev, by=self.staff, at=at)

    def _order(self, user: User) -> Order:
        return place_order(
            customer=user,
            items=[RequestedItem(self.product, 1)],
            key=f"key-{next(self._keys)}",
            at=self.at,
            shipping_address=self._address(mark_of(user)),
        )

    @staticmethod
    def _address(token: str) -> dict[str, str]:
        return {"name": f"{token} Person", "line1": f"{token} Lane 5", "city": "Springfield", "country": "Utopia"}

    @staticmethod
    def _sessions(user: User) -> None:
        for data in ({"_auth_user_id": str(user.pk), "cart": user.name}, {"typed": user.email}):
            session = SessionStore()
            session.update(data)
            session.create()
            if "typed" not in data:
                UserSession.objects.create(user=user, session_key=session.session_key, ip="10.0.0.1", user_agent="x")


def mark_of(user: User) -> str:
    return user.name.split()[0]


def in_postgresql() -> str:
    """Every row of every table as text, sessions decoded."""
    found = [str(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def in_mongodb() -> str:
    """Every document of every collection as text."""
    database = mongo.for_writing().database
    return "\n".join(
        dumps(document, ensure_ascii=False)
        for name in database.list_collection_names()
        for document in database[name].find()
    )


def marks_in(text: str, people: int) -> set[int]:
    """The numbers of those whose mark is in the text."""
    small = text.lower()
    return {number for number in range(people) if mark(number) in small}
