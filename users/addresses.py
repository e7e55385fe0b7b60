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


def change_address(address: Address, lines: Mapping[str, str]) -> bool:
    """Change a saved address; orders sent there before keep what they were given. False where it was removed."""
    return _change(address, {name: lines.get(name, "") for name in Address.LINES})


def prefer_address(address: Address, *, at: datetime) -> bool:
    """Have checkout offer this address first; False where it was removed. at: aware datetime."""
    return _change(address, {"used_at": at})


def _change(address: Address, values: Mapping[str, object]) -> bool:
    # Saving it would fail where it was removed in another window since it was read.
    return bool(Address.objects.filter(pk=address.pk).update(**values))
