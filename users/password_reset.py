"""Asking for a new password, which tells nobody by its time who has an account."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.forms import ResetPasswordForm as _ResetPasswordForm
from django.http import HttpRequest

from users.allauth_forms import NormalEmail

# Seconds that every answer takes at least: several times what the longest of them takes. Those with an account, with
# one that was imported and without are looked up and written to differently.
AT_LEAST = 0.2


class ResetPasswordForm(NormalEmail, _ResetPasswordForm):  # type: ignore[misc]  # untyped in the library
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._began = time.monotonic()
        super().__init__(*args, **kwargs)

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = super().save(request, **kwargs)
        time.sleep(max(0.0, self._began + AT_LEAST - time.monotonic()))
        return email
