"""Money, status and time as every page shows them; loaded into every template."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from orders.status import Status

register = template.Library()

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$", "INR": "₹", "JPY": "¥"}

# Glyph and Bootstrap colour of each status; the word is the status's label.
LOOKS: dict[str, tuple[str, str]] = {
    Status.PENDING: ("○", "secondary"),
    Status.PAID: ("◐", "info"),
    Status.SHIPPED: ("➤", "primary"),
    Status.DELIVERED: ("✓", "success"),
    Status.RETURNED: ("↩", "warning"),
    Status.CANCELLED: ("✕", "danger"),
}


@register.filter
def money(amount: Decimal | None) -> str:
    """1234.5 as "$1,234.50", in German as "1.234,50 $"; None as a dash."""
    if amount is None:
        return "–"
    if not Decimal(amount).is_finite():
        return str(amount)
    # A fraction of a currency that has none, by plain SQL, is not hidden.
    decimals = settings.CURRENCY_DECIMALS or (0 if amount % 1 == 0 else 2)
    digits = number_format(abs(amount), decimal_pos=decimals, use_l10n=True, force_grouping=True)
    symbol = SYMBOLS.get(settings.CURRENCY, f"{settings.CURRENCY}\N{NO-BREAK SPACE}")
    shown = pgettext("money", "{symbol}{digits}").format(symbol=symbol, digits=digits).strip()
    return f"{'−' if amount < 0 else ''}{shown}"


@register.simple_tag
def price_range(low: Decimal | None, high: Decimal | None) -> str:
    if low is None:
        return _("Up to {price}").format(price=money(high))
    if high is None:
        return _("From {price}").format(price=money(low))
    return _("{low} to {high}").format(low=money(low), high=money(high))


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """Glyph, word and colour of an order's status."""
    # Plain SQL may have written any other.
    label = Status(status).label if status in Status.values else status or "?"
    glyph, colour = LOOKS.get(status, ("?", "danger"))
    return format_html(
        '<span class="badge status text-bg-{}"><span aria-hidden="true">{}</span> {}</span>', colour, glyph, label
    )
