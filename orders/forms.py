"""What customers type to fill the cart and to order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.number_fields import MoneyField, WholeNumberField
from orders.cart import MAX_QUANTITY
from orders.shown import Shown, ShownField
from users.forms import address_line
from users.models import Address

WHOLE_NUMBER = format_lazy(_("The quantity must be a whole number from 1 to {most}."), most=MAX_QUANTITY)
# Fields of a checkout where the customer chose no saved address.
NEW_ADDRESS = "new"


class CartForm(forms.Form):
    """A product, by its number, and how many of it; in_cart: how many were in the cart when the form was shown."""

    product = WholeNumberField(min_value=1)
    quantity = WholeNumberField(
        min_value=1,
        max_value=MAX_QUANTITY,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_NUMBER),
    )
    in_cart = WholeNumberField(required=False, min_value=0, max_value=MAX_QUANTITY)

    @classmethod
    def to_add(cls, posted: Mapping[str, str]) -> CartForm:
        """One of it, unless it is said. Buttons in a list carry "product:in_cart" in one value, named once."""
        data = {"quantity": "1"} | {name: posted[name] for name in cls.base_fields if name in posted}
        if "once" in posted:
            data["product"], _, data["in_cart"] = posted["once"].partition(":")
        return cls(data)


class CancelForm(forms.Form):
    """rev: of the order that the question was asked about."""

    rev = WholeNumberField(required=False, max_value=2**31 - 1)


class SavedAddressField(forms.ChoiceField):
    def valid_value(self, value: Any) -> bool:
        # Whoever types another address need not wait for the saved ones to be looked up.
        return value == NEW_ADDRESS or super().valid_value(value)


class CheckoutForm(forms.Form):
    """Where the order goes, what the customer was shown, and the form's own key.

    addresses: gives the customer's saved ones, to choose from; without any the lines are all there is.
    """

    saved = SavedAddressField(
        label=_("Deliver to"),
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        required=False,
        error_messages={"invalid_choice": _("This address is not saved any more: choose another one.")},
    )
    name = address_line("name", "name")
    line1 = address_line("line1", "address-line1")
    line2 = address_line("line2", "address-line2", required=False)
    postcode = address_line("postcode", "postal-code")
    city = address_line("city", "address-level2")
    country = address_line("country", "country-name")
    keep = forms.BooleanField(label=_("Save this address for next time"), required=False)
    key = forms.UUIDField(widget=forms.HiddenInput)
    shown = ShownField(required=False)
    # All that forms of the release before say of what they showed.
    shown_total = MoneyField(max_digits=14, decimal_places=2, required=False)

    def __init__(self, *args: Any, addresses: Callable[[], Iterable[Address]] = tuple, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._addresses = addresses
        saved = self.fields["saved"]
        assert isinstance(saved, SavedAddressField)
        saved.choices = lambda: [*self.addresses.items(), (NEW_ADDRESS, _("Another address"))]
        if self.is_bound and self.is_saved_chosen():
            for name in Address.LINES:
                self.fields[name].required = False

    @cached_property
    def addresses(self) -> dict[str, Address]:
        return {str(address.pk): address for address in self._addresses()}

    def clean_shown(self) -> Shown | None:
        """What was shown; the saved address that was chosen has to read as it did there."""
        shown: Shown | None = self.cleaned_data["shown"]
        if shown is None:
            if not self.data.get("shown_total"):
                raise forms.ValidationError("required")
            return None
        saved = self.cleaned_data.get("saved", "")
        if saved in shown.addresses and shown.addresses[saved] != str(self.addresses[saved]):
            self.add_error("saved", _("This address was changed after it was shown: check it and order again."))
        return shown

    def is_saved_chosen(self) -> bool:
        return bool(self.data.get("saved", NEW_ADDRESS) != NEW_ADDRESS)

    def address(self) -> dict[str, str]:
        """Where the order goes: the chosen address, or the valid lines that were filled in, by name."""
        # Who typed one needs none of the saved ones to be looked up.
        chosen = self.is_saved_chosen() and self.addresses.get(self.cleaned_data.get("saved", ""))
        return chosen.lines() if chosen else self.typed()

    def typed(self) -> dict[str, str]:
        return {name: text for name in Address.LINES if (text := self.cleaned_data.get(name))}
