"""Allauth's forms with the shop's email field; and signing up while somebody else takes the same address."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from users.email_fields import EmailFormField
from users.models import User


class NormalEmail(forms.Form):
    """Mixin: each email field normalises what was typed before anything looks it up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, forms.EmailField):
                field.widget.attrs.pop("maxlength", None)
                self.fields[name] = EmailFormField(label=field.label, widget=field.widget)


class LoginForm(NormalEmail, allauth_forms.LoginForm):  # type: ignore[misc]  # untyped in the library
    pass


class AddEmailForm(NormalEmail, allauth_forms.AddEmailForm):  # type: ignore[misc]
    pass


class SignupForm(NormalEmail, allauth_forms.SignupForm):  # type: ignore[misc]
    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Answer as for a known address where another request made the account since the address was looked up."""
        saved: tuple[User | None, HttpResponse | None]
        try:
            with transaction.atomic():
                saved = super().try_save(request)
        except IntegrityError:
            self.account_already_exists = User.objects.filter(email=self.cleaned_data["email"]).exists()
            if not self.account_already_exists:
                raise
            saved = super().try_save(request)
        return saved
