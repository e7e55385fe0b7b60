"""Every write to a person's own account, beside what allauth's pages write."""

from __future__ import annotations

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
    strip_account(user, name=CLOSED_NAME, email=f"closed-{user.pk}@account.invalid")
    user.is_active = False
    user.save(update_fields=["is_active"])


def strip_account(user: User, *, name: str, email: str) -> Counter[str]:
    """Give an account that name and address and nothing else; return how many rows went or changed, by table.

    The activity log is told nothing of it: what is taken off here must not be written there.
    """
    gone = Counter({UserSession._meta.db_table: UserSession.objects.filter(user=user).count()})
    end_sessions(user)
    for rows in (
        AccountEmail.objects.filter(recipient=user.email),
        Address.objects.for_customer(user),
        EmailAddress.objects.filter(user=user),
        Authenticator.objects.filter(user=user),
    ):
        gone[rows.model._meta.db_table] += rows.delete()[1].get(rows.model._meta.label, 0)
    if (user.name, user.email) != (name, email):
        user.name, user.email, user.password, user.last_login = name, email, make_password(None), None
        # By update, which sends no signal.
        told = {field: getattr(user, field) for field in ("name", "email", "password", "last_login")}
        gone[User._meta.db_table] += User.objects.filter(pk=user.pk).update(**told)
    return gone
