"""Closing a customer's account, once nothing is on its way to them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from orders import erasing
from orders.models import CartItem, Order
from users import services
from users.models import Erasure, User

# Who asked, as staff read it.
THEMSELVES = "the customer"


class NotYet(Exception):
    """A refusal, worded for people; nothing was changed."""


class OpenOrders(NotYet):
    def __init__(self) -> None:
        super().__init__(
            _("Some of your orders are still open. Once they are delivered or cancelled you can close it.")
        )


class IsStaff(NotYet):
    def __init__(self) -> None:
        super().__init__(_("This account belongs to the staff: whoever runs the shop closes it."))


def reason_to_wait(customer: User) -> NotYet | None:
    """Return why this account cannot be closed now, if anything speaks against it."""
    if customer.is_staff or customer.is_superuser:
        return IsStaff()
    return OpenOrders() if Order.objects.for_customer(customer).open().exists() else None


@transaction.atomic
def close_account(customer: User, *, erases: bool = False, at: datetime) -> None:
    """Close the account for good; its orders stay as they are, with the names and addresses they were given.

    erases: ask for these to be erased too, which staff then confirm. at: aware datetime.
    Raises NotYet; then nothing was changed.
    """
    # As place_order does, so that no order slips in.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=customer.pk)
    if reason := reason_to_wait(customer):
        raise reason
    CartItem.objects.for_customer(customer).delete()
    services.close_account(customer)
    # Where staff have asked for it already, that stands.
    if erases and not Erasure.objects.of_user(customer.pk).waiting(at).exists():
        erasing.ask(customer.pk, by=None, by_name=THEMSELVES, at=at)
