"""Products as every page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from zlib import crc32

from django import template
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from catalog import images
from catalog.filter_groups import Option
from catalog.models import Product

register = template.Library()

FEW = 5


# Cards cached, a few kB each at most. Most of a list's time is spent on rendering them.
CARDS = 2000


@register.simple_tag
def cards(products: Iterable[Product], *, text: str, in_cart: Mapping[int, int]) -> SafeString:
    """Products in a list, in <li>s. text: words to mark; in_cart: quantities by product."""
    quantities, language = in_cart or {}, get_language()
    # The first picture is seen at once.
    rendered = (
        _card(product.shown(), text or "", quantities.get(product.pk, 0), not at, language)
        for at, product in enumerate(products)
    )
    return mark_safe("".join(rendered))  # noqa: S308


@register.simple_tag
def in_cart(quantities: Mapping[int, int], product: Product) -> int:
    return quantities.get(product.pk, 0) if quantities else 0


@lru_cache(maxsize=CARDS)
def _card(shown: tuple[Any, ...], text: str, in_cart: int, eager: bool, language: str | None) -> SafeString:
    fields = ("product_id", "name", "price", "stock", "sku", "is_active", "image")
    product = Product(**dict(zip(fields, shown, strict=True)))
    return render_to_string(
        "catalog/_card.html", {"product": product, "text": text, "in_cart": in_cart, "eager": eager}
    )


@register.filter
def choice_key(option: Option, label: str) -> str:
    """A name for an option of the group of this label, its own on each page: there the keyboard finds it again."""
    return f"{crc32(repr((label, option.label, option.low, option.high)).encode()):x}"


@register.filter
def image_url(product: Product, size: str = "small") -> str:
    """Where its picture is, or the drawn one; size: "small" is a square, "large" the whole of it."""
    if product.image:
        return default_storage.url(images.file_name(product.image, size))
    # An address has no line breaks, a SKU from a file may.
    sku = " ".join(product.sku.split())
    return reverse("catalog:placeholder", kwargs={"sku": sku or f"product-{product.pk}"})


@register.simple_tag
def stock_words(product: Product) -> SafeString:
    """Whether it can be bought: glyph, words and colour."""
    if not product.is_active:
        glyph, colour, words = "✕", "secondary", _("No longer for sale")
    elif product.stock == 0:
        glyph, colour, words = "✕", "danger", _("Sold out")
    elif product.stock <= FEW:
        glyph, colour, words = "◔", "warning", _("Only {left} left").format(left=product.stock)
    else:
        glyph, colour, words = "✓", "success", _("In stock")
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
