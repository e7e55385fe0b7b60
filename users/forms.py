"""What people type about themselves."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from users.models import User


class SignupForm(forms.Form):
    """What the shop asks at sign-up beside e-mail and password, which allauth's form brings."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))

    field_order = ["name", "email", "password1"]

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
