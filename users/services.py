"""Every write to a person's own account, beside what allauth's pages write."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import transaction

from users.models import Address, User

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
    end_sessions(user)
    Address.objects.for_customer(user).delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.name = CLOSED_NAME
    user.email = f"closed-{user.pk}@account.invalid"
    user.password = make_password(None)
    # By update, which sends no signal: what is taken off here must not be written into the activity log.
    User.objects.filter(pk=user.pk).update(name=user.name, email=user.email, password=user.password)
    user.is_active = False
    user.save(update_fields=["is_active"])
