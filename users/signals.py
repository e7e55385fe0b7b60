"""What allauth's pages do not do by themselves."""

from __future__ import annotations

from typing import Any

from allauth.account import signals
from allauth.account.models import EmailAddress
from allauth.mfa.signals import authenticator_added

from users import second_factor
from users.models import User


def connect() -> None:
    signals.password_reset.connect(prove_address, dispatch_uid="users.prove_address")
    authenticator_added.connect(second_factor.end_other_sessions, dispatch_uid="users.end_other_sessions")


def prove_address(sender: type[User], user: User, **kwargs: Any) -> None:
    """Whoever came by the link in the mail has proved the address, where it can have gone to no other.

    People who did not sign up here, imported ones above all, need no code after that.
    """
    if not EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).exists():
        address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
        address.set_verified()
