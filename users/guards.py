"""What a page asks of somebody who is signed in already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from allauth.account.decorators import reauthentication_required
from django.http import HttpResponse

View = TypeVar("View", bound=Callable[..., HttpResponse])


def password_asked(view: View) -> View:
    """Ask for the password, or the second factor, again where that is more than five minutes ago."""
    guarded: View = reauthentication_required(view)
    return guarded
