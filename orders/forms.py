"""What customers type to fill the cart and to order."""

from __future__ import annotations

from typing import Any

from django import forms

MAX_QUANTITY = 9999
WHOLE_NUMBER = f"The quantity must be a whole number from 1 to {MAX_QUANTITY}."


class CartForm(forms.Form):
    """A product, by its number, and how many of it."""

    product = forms.IntegerField(min_value=1)
    quantity = forms.IntegerField(
        min_value=1,
        max_value=MAX_QUANTITY,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_NUMBER),
    )


def line(label: str, autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": f"shipping {autocomplete}"})
    messages = {"required": f"Fill in the {label.lower()}."}
    return forms.CharField(label=label, max_length=200, widget=widget, error_messages=messages, **options)


class CheckoutForm(forms.Form):
    """Where the order goes, and what the customer was shown: the total and the form's own key."""

    name = line("Full name", "name")
    line1 = line("Street and number", "address-line1")
    line2 = line("Flat, floor, company", "address-line2", required=False)
    city = line("Town or city", "address-level2")
    postcode = line("Postcode", "postal-code")
    country = line("Country", "country-name")
    key = forms.UUIDField(widget=forms.HiddenInput)
    shown_total = forms.DecimalField(max_digits=14, decimal_places=2, widget=forms.HiddenInput)

    ADDRESS = ("name", "line1", "line2", "city", "postcode", "country")

    def address(self) -> dict[str, str]:
        """The valid lines that were filled in, by name."""
        return {name: text for name in self.ADDRESS if (text := self.cleaned_data.get(name))}
