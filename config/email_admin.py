"""Addresses that people sign in with, in the back office: the library's page, with words for its constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin

if TYPE_CHECKING:
    _Form = forms.ModelForm[EmailAddress]
else:
    _Form = forms.ModelForm


class EmailAddressForm(_Form):
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        others = EmailAddress.objects.exclude(pk=self.instance.pk)
        if data.get("primary") and others.filter(user=data.get("user"), primary=True).exists():
            self.add_error("primary", "This person has another primary address.")
        if data.get("verified") and others.filter(email__iexact=data.get("email", ""), verified=True).exists():
            self.add_error("email", "This address is verified for another account.")
        return data


class EmailAdmin(EmailAddressAdmin):  # type: ignore[misc]  # untyped in the library
    form = EmailAddressForm


admin.site.unregister(EmailAddress)
admin.site.register(EmailAddress, EmailAdmin)
