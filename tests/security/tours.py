"""Everybody looks at every address that is theirs or would like to be, once for all tests that judge what they saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from config.roles import ROLES
from tests.security.addresses import Address
from tests.security.shops import Shop
from tests.security.visitor import Answer

VISITOR = ""
CUSTOMERS = ("a customer", "the owner")
# Whom the table of the back office knows, and everybody else; the last two hold permissions and are kept out.
INSIDE = (*ROLES, "staff without a role", "a superuser")
OUTSIDE = (VISITOR, *CUSTOMERS, "no second factor", "an analyst")


@dataclass(frozen=True)
class Look:
    who: str
    address: Address
    answer: Answer

    def __str__(self) -> str:
        return f"{self.who or 'a visitor'} {self.address.path}: {self.answer.status} {self.answer.location}"


@dataclass(frozen=True)
class Tour:
    """before, after: what was in the tables before anybody looked, and after each had."""

    looks: list[Look]
    before: dict[str, Any]
    after: dict[str, dict[str, Any]]


def take(shop: Shop, every_address: Iterable[Address]) -> Tour:
    before, after, looks = shop.digests(), {}, []
    for who in (*OUTSIDE, *INSIDE):
        visitor = shop.visitor(who)
        looks += [Look(who, each, visitor.get(each.path)) for each in every_address if is_worth_a_look(who, each)]
        after[who] = shop.digests()
    return Tour(looks, before, after)


def is_worth_a_look(who: str, address: Address) -> bool:
    """A visitor, a customer and a superuser look everywhere; others not at all that is alike for them."""
    if who in (VISITOR, "a customer", "a superuser"):
        return True
    if address.path.startswith("/reports/"):
        return True
    return (who in INSIDE) == address.path.startswith("/admin/") and who not in ("no second factor", "an analyst")
