"""Asking for somebody's data to be erased, and confirming it: two people, and no order on its way.

What is confirmed is carried out by history.erasure, in both stores.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders.models import Order
from users import services
from users.granting import are_independent, is_only_customer
from users.models import Erasure, User


class Refused(Exception):
    """A refusal, worded for staff; nothing was changed."""


class OfStaff(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Who did what for the shop stays known, so staff are not erased. "
            "Take their roles first where it is meant all the same: then they are customers, and their names go."
        )


class OpenOrders(Refused):
    def __init__(self) -> None:
        super().__init__("Some of their orders are still open. Erase them once these are delivered or cancelled.")


class AskedAlready(Refused):
    def __init__(self) -> None:
        super().__init__("Somebody has asked for that already.")


class NotWaiting(Refused):
    def __init__(self) -> None:
        super().__init__("This request does not wait for a confirmation any more.")


class NothingSaid(Refused):
    def __init__(self) -> None:
        super().__init__("Say what is to be done.")


class SamePerson(Refused):
    def __init__(self) -> None:
        super().__init__("Somebody else has to confirm what you asked for.")


class NotIndependent(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Somebody has to confirm this who did not get the account or its roles from the person who asked, nor gave "
            "them theirs, nor got them from the same colleague."
        )


def reason_against(user: User) -> Refused | None:
    """Return why this person cannot be erased now, if anything speaks against it."""
    if not is_only_customer(user):
        return OfStaff()
    return OpenOrders() if Order.objects.for_customer(user).open().exists() else None


@transaction.atomic
def ask(user_id: int, *, by: User | None, by_name: str = "", at: datetime) -> Erasure:
    """Ask for somebody to be erased, by account or, where that is deleted, by its number alone.

    It waits Erasure.WAITS for another one's confirmation. by: None for a command, then by_name says so. Raises Refused.
    """
    locked = _lock(user_id)
    if locked is not None and (reason := reason_against(locked)):
        raise reason
    requests = Erasure.objects.of_user(user_id).open()
    if requests.filter(confirmed_at__isnull=False).exists() or requests.waiting(at).exists():
        raise AskedAlready
    requests.update(withdrawn_at=at)  # it had lapsed
    name = by_name or str(by)[:200]
    return Erasure.objects.create(user_id=user_id, asked_by=by.pk if by else None, asked_by_name=name, asked_at=at)


@transaction.atomic
def confirm(erasure: Erasure, *, by: User | None, by_name: str = "", at: datetime) -> Erasure:
    """Confirm a request: the account is shut at once, and what is known of the person goes. Raises Refused."""
    user = _lock(erasure.user_id)
    request = Erasure.objects.select_for_update().waiting(at).filter(pk=erasure.pk).first()
    if request is None:
        raise NotWaiting
    if by is not None and by.pk in (request.asked_by, request.user_id):
        raise SamePerson
    if by is not None and request.asked_by is not None and not are_independent(request.asked_by, by.pk):
        raise NotIndependent
    if user is not None:
        if reason := reason_against(user):
            raise reason
        services.deactivate(user)
    request.confirmed_by, request.confirmed_at = by.pk if by else None, at
    request.confirmed_by_name = by_name or str(by)[:200]
    request.save(update_fields=["confirmed_by", "confirmed_by_name", "confirmed_at"])
    return request


def withdraw(erasure: Erasure, *, at: datetime) -> None:
    """Take a request back that nobody has confirmed yet. Raises NotWaiting."""
    if not Erasure.objects.waiting(at).filter(pk=erasure.pk).update(withdrawn_at=at):
        raise NotWaiting


def _lock(user_id: int) -> User | None:
    """As place_order does, so that no order slips in."""
    return User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
