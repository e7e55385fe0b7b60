"""What people type about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core.shown_values import ShownValuesMixin
from users.email_fields import refuse_reserved
from users.models import Address, User

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[User]
    _UserCreationForm = AdminUserCreationForm[User]
    _UserChangeForm = UserChangeForm[User]
else:
    _ModelForm, _UserCreationForm, _UserChangeForm = forms.ModelForm, AdminUserCreationForm, UserChangeForm


def address_line(name: str, autocomplete: str, *, required: bool = True) -> forms.CharField:
    """A line of an address, called as the model calls it."""
    field = Address._meta.get_field(name)
    assert isinstance(field, models.Field)
    return forms.CharField(
        label=capfirst(field.verbose_name),
        max_length=200,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": f"shipping {autocomplete}"}),
        error_messages={"required": _("Fill this in.")},
    )


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class _OwnData(ShownValuesMixin):
    """What somebody may have open in two windows."""

    def conflict_message(self, name: str) -> str:
        told = _("In another window you changed this to “{now}”. Save again to replace that.")
        return told.format(now=self.present_text(name))


class AccountNameForm(_OwnData, NameForm):
    """The name of an account there is."""


class AddressForm(_OwnData, forms.Form):
    """Somewhere to have orders sent; its fields are Address.LINES."""

    name = address_line("name", "name")
    line1 = address_line("line1", "address-line1")
    line2 = address_line("line2", "address-line2", required=False)
    postcode = address_line("postcode", "postal-code")
    city = address_line("city", "address-level2")
    country = address_line("country", "country-name")


class SignupForm(NameForm):
    """What the shop asks at sign-up beside e-mail and password, which allauth's form brings."""

    field_order = ["name", "email", "password1"]

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class _EmailNotTaken(_ModelForm):
    """Says at the e-mail field what the database would refuse: one person per address, whatever its case."""

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if "email" in self.changed_data:
            refuse_reserved(email)
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This e-mail address is taken."), code="unique")
        return email


class UserAddForm(_EmailNotTaken, _UserCreationForm):
    """A new person in the back office; without a password they set their own by resetting it."""

    class Meta:
        model = User
        fields = ["name", "email"]


class UserEditForm(_EmailNotTaken, _UserChangeForm):
    """A person as staff change them; the password has a page of its own."""

    class Meta:
        model = User
        fields = ["name", "email", "password", "is_active", "is_staff", "is_superuser", "groups", "user_permissions"]
