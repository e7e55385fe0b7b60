"""Allauth's own lists of addresses in the back office: who changes one there gets the account, so superusers only."""

from __future__ import annotations

from typing import Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from users.email_fields import EmailFormField


class SuperusersEmailAdmin(EmailAddressAdmin):  # type: ignore[misc]  # untyped in the library
    list_select_related = ["user"]
    formfield_overrides = {models.EmailField: {"form_class": EmailFormField}}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser


admin.site.unregister(EmailAddress)
admin.site.register(EmailAddress, SuperusersEmailAdmin)
