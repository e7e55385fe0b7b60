"""Everything both stores hold about a person, for that person: no secrets, and nobody else's name.

Source: PostgreSQL, and MongoDB's order_history and activity_log, which are behind it by the relay's lag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import pymongo
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from bson import Decimal128, ObjectId
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q
from pymongo.errors import PyMongoError

from catalog.models import StockMovement
from history import mongo
from history.models import ArchivedOrder, Event, Subject
from history.timeline import is_for_customer, is_note_for_customer, who_did
from orders.models import CartItem, Mail, Order, Refund
from users.models import Address, ApiKey, Erasure, User

Data = dict[str, Any]

# Seconds: so long the file waits for MongoDB, before it goes without.
PATIENCE = 15

CART = ("product_id", "quantity", "price_seen")
ORDER = ("order_id", "status", "total_amount", "created_at", "rev", "external_ref", "shipping_address")
ITEM = ("product_id", "sku", "product_name", "price", "quantity")
KEY = ("name", "scopes", "created_at", "last_used_at", "revoked_at")
MAIL = ("status", "language", "attempts", "tried_at", "sent_at")
MOVEMENT = ("product_id", "delta", "reason", "order_id", "moved_at")
REFUND = ("amount", "items", "reason", "refunded_at")
ORDER_EVENT = ("kind", "status", "occurred_at", "is_time_known", "actor_id", "note", "changes")
ACTIVITY_EVENT = ("kind", "subject_name", "occurred_at", "actor_id", "note", "changes")
ARCHIVED = ("order_id", "created_at", "total_amount", "status", "rev")
# The names of those who did something may be somebody else's, and the latest note may be for the store's own eyes.
WHO = ("actor_id", "actor", "actor_name")
LATEST_CHANGE = ("changed_by", "changed_by_name", "change_note")
REFUNDED_BY = ("refunded_by", "refunded_by_name")

# Subjects whose events are about a person.
ABOUT_PEOPLE = (Subject.USER, Subject.SESSION)


class Encoder(DjangoJSONEncoder):
    """Money as a decimal string, times with their zone, whichever store they come from."""

    def default(self, value: Any) -> Any:
        return str(value) if isinstance(value, Decimal128 | ObjectId) else super().default(value)


def of(user: User, *, at: datetime) -> Data:
    """Return it as what Encoder makes JSON of; `missing` names what could not be read now."""
    found: Data = {"made_at": at, "currency": settings.CURRENCY, "missing": [], "account": _account(user)}
    found["orders"] = _orders(user)
    found["archived_orders"] = _archived_orders(user)
    found["stock_movements"] = list(StockMovement.objects.filter(actor_id=user.pk).order_by("pk").values(*MOVEMENT))
    found["activity"] = _activity(user)
    try:
        with pymongo.timeout(PATIENCE):
            found["mirror"] = {"orders": _mirrored_orders(user), "activity": _mirrored_activity(user)}
    except PyMongoError:
        found["missing"].append("mirror: the history store cannot be reached now, ask again later")
    return found


def _account(user: User) -> Data:
    return {
        "user_id": user.pk,
        **{name: getattr(user, name) for name in ("name", "email", "created_at", "last_login")},
        "email_addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "addresses": [address.lines() for address in Address.objects.for_customer(user)],
        "cart": list(CartItem.objects.for_customer(user).values("product__name", *CART)),
        "sessions": list(UserSession.objects.filter(user=user).values("created_at", "ip", "user_agent")),
        "second_factors": list(Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")),
        "api_keys": list(ApiKey.objects.filter(customer=user).order_by("pk").values(*KEY)),
        "erasure_asked_for": list(Erasure.objects.of_user(user.pk).values("asked_at", "withdrawn_at")),
    }


def _orders(user: User) -> list[Data]:
    orders = list(Order.objects.for_customer(user).with_items().newest_first())
    events: dict[int, list[Data]] = {order.pk: [] for order in orders}
    rows = Event.objects.filter(order_id__in=events).order_by("order_id", "rev")
    for event in rows.values("order_id", "rev", *ORDER_EVENT):
        events[event.pop("order_id")].append(event)
    refunds: dict[int, list[Data]] = {order.pk: [] for order in orders}
    for refund in Refund.objects.filter(order__in=refunds).order_by("pk").values("order_id", *REFUND):
        refunds[refund.pop("order_id")].append(refund)
    mails = _mails(events)
    return [
        {name: getattr(order, name) for name in ORDER}
        | {"items": [{name: getattr(item, name) for name in ITEM} for item in order.items.all()]}
        | {"events": _order_events(events[order.pk], user), "refunds": refunds[order.pk], "mails": mails[order.pk]}
        for order in orders
    ]


def _archived_orders(user: User) -> list[Data]:
    """What PostgreSQL still has of them; all else is in their documents, under "mirror"."""
    stubs = list(ArchivedOrder.objects.filter(user_id=user.pk).order_by("pk").values(*ARCHIVED))
    mails = _mails([stub["order_id"] for stub in stubs])
    return [stub | {"mails": mails[stub["order_id"]]} for stub in stubs]


def _mails(order_ids: Collection[int]) -> dict[int, list[Data]]:
    mails: dict[int, list[Data]] = {order_id: [] for order_id in order_ids}
    for mail in Mail.objects.filter(order__in=mails).order_by("pk").values("order_id", *MAIL):
        mails[mail.pop("order_id")].append(mail)
    return mails


def _mirrored_orders(user: User) -> list[Data]:
    documents = list(mongo.for_reading().find({"user_id": user.pk}).sort("order_id"))
    return [_mirrored_order(document, user) for document in documents]


def _mirrored_order(document: Data, user: User) -> Data:
    told = _without(LATEST_CHANGE, document)
    events = _order_events(document["events"], user)
    refunds = [_without(REFUNDED_BY, refund) for refund in document.get("refunds", [])]
    return told | {"events": events, "refunds": refunds}


def _without(hidden: Collection[str], held: Data) -> Data:
    return {name: value for name, value in held.items() if name not in hidden}


def _order_events(events: Iterable[Data], user: User) -> list[Data]:
    """All but what the store noted for itself."""
    told = (event for event in events if is_for_customer(event["kind"], event["actor_id"], user.pk))
    return [_order_event(event, user) for event in told]


def _order_event(event: Data, user: User) -> Data:
    """The event with who did it in a word, and no note that is for the store's own eyes."""
    told = _without(WHO, event)
    if not is_note_for_customer(event["kind"], event["actor_id"], user.pk):
        told.pop("note")
    return told | {"by": who_did(event["actor_id"], user.pk)}


def _activity(user: User) -> list[Data]:
    about = Q(subject__in=ABOUT_PEOPLE, subject_id=user.pk) | Q(actor_id=user.pk, order_id__isnull=True)
    events = Event.objects.filter(about).order_by("pk")
    return [_activity_event(event, user) for event in events.values("subject", "subject_id", *ACTIVITY_EVENT)]


def _mirrored_activity(user: User) -> list[Data]:
    about = [{"subject": subject.value, "subject_id": user.pk} for subject in ABOUT_PEOPLE]
    log = mongo.for_reading(mongo.ACTIVITY_LOG)
    return [_activity_event(event, user) for event in log.find({"$or": [*about, {"actor_id": user.pk}]}).sort("_id")]


def _activity_event(event: Data, user: User) -> Data:
    """The event with who did it in a word; what it says is told only where it is about this person."""
    is_mine = event["subject"] in ABOUT_PEOPLE and event["subject_id"] == user.pk
    hidden = WHO if is_mine else (*WHO, "subject_name", "changes", "note")
    return _without(hidden, event) | {"by": who_did(event["actor_id"], user.pk)}
