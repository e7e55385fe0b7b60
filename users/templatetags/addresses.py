"""Addresses as templates show them."""

from __future__ import annotations

from typing import Any

from django import template

from users.models import Address

register = template.Library()


@register.filter
def address_lines(address: Any) -> list[str]:
    """The lines of a saved address, or of one that an order holds."""
    return Address.written(address.lines() if isinstance(address, Address) else address)
