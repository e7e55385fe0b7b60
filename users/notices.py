"""Telling people by email what staff changed of their account, in every language of the shop."""

from __future__ import annotations

from typing import Literal

from allauth.account.adapter import get_adapter

from core.text import is_reserved_email
from users.models import ApiKey, User


def tell_maker(maker: User, key: ApiKey) -> None:
    """Write to whoever made a key of the API: it may not have been them. Staff's texts are English."""
    get_adapter().send_mail("admin/users/apikey/email", maker.email, {"key": key})


def tell_owner(email: str, change: Literal["email", "password", "mfa"]) -> None:
    """Write to the address that the account had before the change; only within a request."""
    if not is_reserved_email(email):
        get_adapter().send_mail("account/email/changed_by_staff", email, {"change": change})
