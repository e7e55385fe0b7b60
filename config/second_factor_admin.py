"""Second factors in the back office: who has one, and taking a lost one away; what is secret in them is not shown."""

from __future__ import annotations

from typing import Any

from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.http import HttpRequest

from config.people_admin import OfPeopleLookedAfter
from users.notices import tell_owner


class SecondFactorAdmin(OfPeopleLookedAfter, AuthenticatorAdmin):  # type: ignore[misc]  # untyped in the library
    # The library's own page has the seed of one-time codes and the recovery codes in a box, to read and to change.
    fields = ["user", "type", "created_at", "last_used_at"]
    list_select_related = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        super().delete_model(request, obj)
        tell_owner(obj.user.email, "mfa")


admin.site.unregister(Authenticator)
admin.site.register(Authenticator, SecondFactorAdmin)
