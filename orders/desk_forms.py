"""What staff type about an order: a step, a note, other items and address, what came back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.safestring import SafeString, mark_safe

from catalog.models import Product
from core.number_fields import MoneyField, WholeNumberField
from core.text import normalize_sku
from orders.edits import Wanted
from orders.forms import CheckoutForm
from orders.models import Order, OrderItem
from orders.order_desk import VERBS
from orders.returns import Returned
from orders.shown import ShownField
from users.forms import address_line
from users.models import Address

MOST = 1_000_000  # of one item
QUANTITY = f"A whole number from 0 to {MOST}, please."
NOTE_LENGTH = 1000


class StepForm(forms.Form):
    """One step of one order, as decided in front of the page that showed revision rev."""

    to = forms.ChoiceField(choices=[(to.value, verb) for to, verb in VERBS.items()])
    rev = WholeNumberField()
    note = forms.CharField(required=False, max_length=NOTE_LENGTH)
    confirmed = forms.BooleanField(required=False)


class NoteForm(forms.Form):
    """A note; audience: whose eyes it is for."""

    text = forms.CharField(max_length=NOTE_LENGTH, error_messages={"required": "The note is empty."})
    audience = forms.ChoiceField(choices=[("internal", "Internal"), ("customer", "To the customer")])
    rev = WholeNumberField()


class OrderForm(forms.Form):
    """A form about the items of one order, at the revision that its reader saw."""

    rev = WholeNumberField(max_value=2**31)

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order
        self.items: list[OrderItem] = list(order.items.all())
        for item in self.items:
            self.add_fields(item)

    def hidden(self) -> SafeString:
        """Everything that was typed, and what was shown before that, to be carried along unseen."""
        typed = [field for field in self if field.name not in ("rev", "shown", "shown_total")]
        shown = [field.as_hidden(only_initial=True) for field in typed if field.field.show_hidden_initial]
        return mark_safe("".join([*(field.as_hidden() for field in typed), *shown]))  # noqa: S308 (rendered fields)

    def add_fields(self, item: OrderItem) -> None:
        raise NotImplementedError

    def quantity_field(self, item: OrderItem, label: str, initial: int, most: int) -> None:
        name = f"quantity_{item.pk}"
        self.fields[name] = WholeNumberField(
            label=f"{label} {item.product_name}",
            initial=initial,
            min_value=0,
            max_value=most,
            show_hidden_initial=True,
            # An item that came in after the form was shown is not on it.
            required=not self.is_bound or name in self.data,
            error_messages=dict.fromkeys(
                ("required", "invalid", "min_value", "max_value"), QUANTITY.replace(str(MOST), str(most))
            ),
        )

    def quantities(self) -> dict[int, int]:
        """What was typed, by order_item_id."""
        typed = {item.pk: self.cleaned_data.get(f"quantity_{item.pk}") for item in self.items}
        return {item_id: quantity for item_id, quantity in typed.items() if quantity is not None}


class EditForm(OrderForm):
    """Other quantities, up to ROWS more products, another address; shown_total, shown: what was confirmed."""

    ROWS = 3

    name = address_line("name", "off", required=False)
    line1 = address_line("line1", "off", required=False)
    line2 = address_line("line2", "off", required=False)
    postcode = address_line("postcode", "off", required=False)
    city = address_line("city", "off", required=False)
    country = address_line("country", "off", required=False)
    reason = forms.CharField(
        label="Reason (optional)",
        required=False,
        max_length=NOTE_LENGTH,
        help_text="The customer sees it beside what changed, on the page of their order. No mail is sent.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )
    shown_total = MoneyField(max_digits=14, decimal_places=2, required=False)
    shown = ShownField(required=False)

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, order=order, **kwargs)
        for name, text in self._lines_known().items():
            self.initial.setdefault(name, text)
        for name in Address.LINES:
            # The address is the customer's: the browser has no better one to offer.
            self.fields[name].widget.attrs |= {"autocomplete": "off", "class": "vTextField"}
            self.fields[name].show_hidden_initial = True
        for row in range(1, self.ROWS + 1):
            self.fields[f"product_{row}"] = forms.CharField(label="SKU or #number", required=False, max_length=64)
            self.fields[f"added_{row}"] = WholeNumberField(
                label="Quantity to add",
                required=False,
                min_value=1,
                max_value=MOST,
                error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), QUANTITY.replace("0", "1", 1)),
            )

    def add_fields(self, item: OrderItem) -> None:
        self.quantity_field(item, "Quantity of", item.quantity, MOST)

    def clean(self) -> dict[str, Any]:
        self.added: dict[Product, int] = {}
        for row in range(1, self.ROWS + 1):
            self._clean_row(f"product_{row}", f"added_{row}")
        self.address = self._clean_address()
        return self.cleaned_data

    def wanted(self) -> Wanted:
        return Wanted(self.quantities(), self.added, self.address)

    def address_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in Address.LINES]

    def added_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"product_{row}"], self[f"added_{row}"]) for row in range(1, self.ROWS + 1)]

    def item_fields(self) -> list[tuple[OrderItem, forms.BoundField]]:
        return [(item, self[f"quantity_{item.pk}"]) for item in self.items]

    def _clean_row(self, product: str, added: str) -> None:
        typed, quantity = self.cleaned_data.get(product, ""), self.cleaned_data.get(added)
        if not typed:
            if quantity:
                self.add_error(product, "Which product?")
            return
        found = _product(typed)
        if found is None:
            self.add_error(product, f"No product has the SKU or number “{typed}”.")
        elif found in self.added:
            self.add_error(product, f"{found} stands above already.")
        elif added not in self.errors:
            self.added[found] = quantity or 1

    def _lines_known(self) -> dict[str, str]:
        known = self.order.shipping_address
        if not isinstance(known, dict):
            return {}
        return {name: str(known[name]).strip() for name in Address.LINES if known.get(name)}

    def _clean_address(self) -> dict[str, Any] | None:
        """The new address with whatever else the old one held, or None where it stays."""
        typed = {name: text for name in Address.LINES if (text := self.cleaned_data.get(name))}
        if typed == self._lines_known() or any(name in self.errors for name in Address.LINES):
            return None
        for name in Address.LINES:
            if CheckoutForm.base_fields[name].required and name not in typed:
                self.add_error(name, self.fields[name].error_messages["required"])
        known = self.order.shipping_address
        rest = known.items() if isinstance(known, dict) else ()
        return {name: text for name, text in rest if name not in Address.LINES} | typed


class ReturnForm(OrderForm):
    """How many of each item came back, which of them go on sale again, and why."""

    reason = forms.CharField(
        label="Reason",
        max_length=NOTE_LENGTH,
        help_text="The customer sees it with the refund, on the page of their order. "
        "A mail is sent only if everything that is left came back.",
        error_messages={"required": "Say why it came back."},
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )

    def add_fields(self, item: OrderItem) -> None:
        self.quantity_field(item, "Returned of", 0, item.quantity)
        self.fields[f"restock_{item.pk}"] = forms.BooleanField(
            label=f"Back into stock: {item.product_name}", required=False, initial=True
        )

    def wanted(self) -> dict[int, Returned]:
        return {
            item_id: Returned(quantity, bool(self.cleaned_data.get(f"restock_{item_id}")))
            for item_id, quantity in self.quantities().items()
        }

    def item_fields(self) -> list[tuple[OrderItem, forms.BoundField, forms.BoundField]]:
        return [(item, self[f"quantity_{item.pk}"], self[f"restock_{item.pk}"]) for item in self.items]


def _product(text: str) -> Product | None:
    """The product of this SKU, in any case, or of this number after a #."""
    text = normalize_sku(text)
    number = text.removeprefix("#")
    wanted = Q(sku__iexact=text)
    if text.startswith("#") and number.isascii() and number.isdigit() and len(number) < 19:
        wanted |= Q(pk=int(number))
    found = list(Product.objects.filter(wanted).order_by("pk")[:9])
    # SKUs that differ in case alone are two products.
    return next((product for product in found if product.sku == text), found[0] if found else None)
