"""Every write to a person's own account, beside what allauth's pages write."""

from __future__ import annotations

import re
import secrets
from collections import Counter

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import transaction

from users.models import AccountEmail, Address, User

CLOSED_NAME = "Closed account"


def rename(user: User, *, name: str) -> None:
    user.name = name
    user.save(update_fields=["name"])


@transaction.atomic
def deactivate(user: User) -> None:
    """Keep somebody out from now on: their sessions end, and an order they are placing is refused."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user)


def activate(user: User) -> None:
    """Let somebody in again; they sign in anew."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


@transaction.atomic
def close_account(user: User) -> None:
    """Take every personal detail off an account, for good, and end its sessions; nobody signs in as it again."""
    strip_account(user, name=CLOSED_NAME, kind="closed")
    user.is_active = False
    user.save(update_fields=["is_active"])


def strip_account(user: User, *, name: str, kind: str) -> Counter[str]:
    """Give an account that name and an address of no one, and nothing else; return how many rows went, by table.

    kind: what the address says of the account, such as "closed". The activity log has no record of it: what is taken
    off here must not be written there.
    """
    gone = Counter({UserSession._meta.db_table: UserSession.objects.filter(user=user).count()})
    end_sessions(user)
    for rows in (
        AccountEmail.objects.filter(recipient__iexact=user.email),
        Address.objects.for_customer(user),
        EmailAddress.objects.filter(user=user),
        Authenticator.objects.filter(user=user),
    ):
        gone[rows.model._meta.db_table] += rows.delete()[1].get(rows.model._meta.label, 0)
    if user.name != name or not _is_replacement(user, kind):
        email = _replacement_email(user, kind)
        user.name, user.email, user.password, user.last_login = name, email, make_password(None), None
        # By update, which sends no signal.
        told = {field: getattr(user, field) for field in ("name", "email", "password", "last_login")}
        gone[User._meta.db_table] += User.objects.filter(pk=user.pk).update(**told)
    return gone


def _is_replacement(user: User, kind: str) -> bool:
    return bool(re.fullmatch(rf"{kind}-{user.pk}(-[0-9a-f]{{16}})?@account\.invalid", user.email))


def _replacement_email(user: User, kind: str) -> str:
    """An address at which nobody can be reached, and that no account has."""
    plain = f"{kind}-{user.pk}@account.invalid"
    is_taken = User.objects.filter(email__iexact=plain).exclude(pk=user.pk).exists()
    return f"{kind}-{user.pk}-{secrets.token_hex(8)}@account.invalid" if is_taken else plain
