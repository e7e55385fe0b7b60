"""Products as every page shows them."""

from __future__ import annotations

import re

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from catalog.models import Product

register = template.Library()

FEW = 5


@register.filter
def image_url(product: Product) -> str:
    return reverse("catalog:placeholder", kwargs={"sku": product.sku or f"product-{product.pk}"})


@register.simple_tag
def stock_words(product: Product) -> SafeString:
    """Whether it can be bought: glyph, words and colour."""
    if not product.is_active:
        glyph, colour, words = "✕", "secondary", "No longer for sale"
    elif product.stock == 0:
        glyph, colour, words = "✕", "danger", "Sold out"
    elif product.stock <= FEW:
        glyph, colour, words = "◔", "warning", f"Only {product.stock} left"
    else:
        glyph, colour, words = "✓", "success", "In stock"
    return format_html(
        '<span class="stock text-{}-emphasis"><span aria-hidden="true">{}</span> {}</span>', colour, glyph, words
    )


@register.filter
def marked(text: str, words: str | None) -> SafeString:
    """text with every one of the words, without case, inside <mark>."""
    pattern = "|".join(re.escape(word) for word in sorted((words or "").split(), key=len, reverse=True))
    if not pattern:
        return escape(text)
    parts = re.split(f"({pattern})", text, flags=re.IGNORECASE)
    # Every second part is a match; both kinds are escaped.
    return mark_safe(  # noqa: S308
        "".join(f"<mark>{escape(part)}</mark>" if at % 2 else escape(part) for at, part in enumerate(parts))
    )
