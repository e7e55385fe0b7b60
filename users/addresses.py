"""Saving where a customer has orders sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from users.models import Address, User


def keep_address(customer: User, lines: Mapping[str, str], *, at: datetime) -> None:
    """Save an address, or note that the same one, saved already, was used; beyond Address.MOST nothing is saved.

    lines: those filled in, by name, as Address.lines() returns them. at: aware datetime.
    """
    own = Address.objects.for_customer(customer)
    same = {name: lines.get(name, "") for name in Address.LINES}
    if not own.filter(**same).update(used_at=at) and own.count() < Address.MOST:
        Address.objects.create(customer=customer, used_at=at, **same)


def change_address(address: Address, lines: Mapping[str, str]) -> None:
    """Change a saved address; orders sent there before keep what they were given."""
    for name in Address.LINES:
        setattr(address, name, lines.get(name, ""))
    address.save(update_fields=Address.LINES)


def prefer_address(address: Address, *, at: datetime) -> None:
    """Have checkout offer this address first. at: aware datetime."""
    address.used_at = at
    address.save(update_fields=["used_at"])
