"""The second factor, which staff must have where settings.REQUIRE_STAFF_MFA says so."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from users.models import User


def is_missing(user: User | AnonymousUser) -> bool:
    """Whether somebody must turn one on before they see anything of the back office."""
    return settings.REQUIRE_STAFF_MFA and not is_mfa_enabled(user)


def end_other_sessions(sender: type[Authenticator], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whoever signed in by the password alone before, elsewhere, has to do so anew, with the second factor."""
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        session.end()
