"""What visitors ask of the shop's list, in the URL."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from django import forms
from django.utils.translation import gettext, gettext_lazy

from core.number_fields import MoneyField, NumberTextInput

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SEARCH_LENGTH = 80
# Not printable, yet inside of words: of Persian and Hindi, for example.
JOINERS = "\u200c\u200d"


def search_text(raw: str) -> str:
    """Return raw as composed words with single spaces, no control characters, cut to a length worth searching for.

    A word that the cut goes through is left out: half a number is another number.
    """
    printable = "".join(letter if letter.isprintable() or letter in JOINERS else " " for letter in raw[:1000])
    text = " ".join(normalize("NFC", printable).split())
    cut = text[:SEARCH_LENGTH]
    whole, blank, _ = cut.rpartition(" ")
    return whole if blank and text[SEARCH_LENGTH : SEARCH_LENGTH + 1].strip() else cut.strip()


def price_field(label: StrPromise) -> MoneyField:
    return MoneyField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=10,
        decimal_places=2,
        widget=NumberTextInput(attrs={"class": "form-control"}),
    )


class ListForm(forms.Form):
    """The filters. What is not valid is left out and told by notes(), so that any URL shows a list."""

    min_price = price_field(gettext_lazy("Price from"))
    max_price = price_field(gettext_lazy("Price to"))
    in_stock = forms.BooleanField(label=gettext_lazy("In stock only"), required=False)

    def valid(self) -> dict[str, Any]:
        """Return what can be used: min_price and max_price (Decimal or None, in order) and in_stock."""
        self.is_valid()
        valid = {name: self.cleaned_data.get(name) for name in self.fields}
        if self._is_turned():
            valid["min_price"], valid["max_price"] = valid["max_price"], valid["min_price"]
        return valid

    def notes(self) -> list[str]:
        """Return a sentence for everything that was ignored or put right."""
        self.is_valid()
        told = gettext("“{text}” is no price, so “{field}” was ignored.")
        notes = [told.format(text=str(self.data.get(name))[:40], field=self.fields[name].label) for name in self.errors]
        if self._is_turned():
            notes.append(gettext("The lower price was above the higher one: they were swapped."))
        return notes

    def _is_turned(self) -> bool:
        low, high = self.cleaned_data.get("min_price"), self.cleaned_data.get("max_price")
        return low is not None and high is not None and low > high
