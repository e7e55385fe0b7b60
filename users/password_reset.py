"""Asking for a new password, which tells nobody by its time who has an account."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm as _ResetPasswordForm
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from users.allauth_forms import NormalEmail
from users.models import User

# Seconds that every answer takes at least: several times what the longest of them takes. Those with an account, with
# one that was imported and without are looked up and written to differently.
AT_LEAST = 0.2


def is_unproved(user: User) -> bool:
    """Return whether staff gave the account its address and nobody has proved it by the account's password since.

    A link sent there would give the account to whoever chose the address.
    """
    is_given = bool(user.vouched_by) and user.has_usable_password()
    return is_given and not EmailAddress.objects.filter(user=user, verified=True).exists()


class ResetPasswordForm(NormalEmail, _ResetPasswordForm):  # type: ignore[misc]  # untyped in the library
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._began = time.monotonic()
        super().__init__(*args, **kwargs)

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self._unproved = any(is_unproved(user) for user in self.users)
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        if self._unproved:
            email: str = self.cleaned_data["email"]
            get_adapter().send_mail("account/email/password_reset_unproved", email, {})
        else:
            email = super().save(request, **kwargs)
        time.sleep(max(0.0, self._began + AT_LEAST - time.monotonic()))
        return email
