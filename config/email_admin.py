"""Allauth's own lists of addresses in the back office: who changes one there gets the account, so superusers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from users.email_fields import EmailFormField

if TYPE_CHECKING:
    _Form = forms.ModelForm[EmailAddress]
else:
    _Form = forms.ModelForm


class EmailAddressForm(_Form):
    """The library's constraints, in words."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        others = EmailAddress.objects.exclude(pk=self.instance.pk)
        if data.get("primary") and others.filter(user=data.get("user"), primary=True).exists():
            self.add_error("primary", "This person has another primary address.")
        if data.get("verified") and others.filter(email__iexact=data.get("email", ""), verified=True).exists():
            self.add_error("email", "This address is verified for another account.")
        return data


class SuperusersEmailAdmin(EmailAddressAdmin):  # type: ignore[misc]  # untyped in the library
    form = EmailAddressForm
    list_select_related = ["user"]
    formfield_overrides = {models.EmailField: {"form_class": EmailFormField}}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser


admin.site.unregister(EmailAddress)
admin.site.register(EmailAddress, SuperusersEmailAdmin)
