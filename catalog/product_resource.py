"""A product as a line of CSV, both ways: what each column says and what it may not.

A file needs the column sku, and only the columns it has are changed: an empty stock leaves the stock as it is.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader
from import_export.widgets import Widget as UntypedWidget

from catalog import attributes, product_exported
from catalog.models import Category, Product
from catalog.product_exported import Exported
from core.csv_output import unescape
from core.numbers import checked_money, parse_number
from core.text import normalize_sku

COLUMNS = ["sku", "name", "category", "price", "stock", "is_active", "attributes", "description"]
# One more that the export writes, see catalog.product_exported.
EXPORTED = "exported"
# How people, their tools and a German spreadsheet call the columns, as core.csv_input.column_name spells it.
SPELLINGS = {name: name for name in (*COLUMNS, EXPORTED)} | {
    "article_number": "sku",
    "artikelnummer": "sku",
    "artikel_nr": "sku",
    "item_number": "sku",
    "product_code": "sku",
    "bezeichnung": "name",
    "product_name": "name",
    "produktname": "name",
    "title": "name",
    "kategorie": "category",
    "preis": "price",
    "bestand": "stock",
    "lagerbestand": "stock",
    "quantity": "stock",
    "active": "is_active",
    "aktiv": "is_active",
    "attribute": "attributes",
    "eigenschaften": "attributes",
    "beschreibung": "description",
}
REQUIRED = {"name", "price"}
# Columns beside those of the file, put there by its reader.
LINE, PROBLEM = "#line", "#problem"

if TYPE_CHECKING:
    Widget = object
else:
    Widget = UntypedWidget


class Text(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Any:
        return unescape(value)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value)


class Sku(Text):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Any:
        return normalize_sku(unescape(value))


class Price(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Decimal:
        return Decimal(f"{checked_money(parse_number(value, decimals=2)):.2f}")

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return f"{value:.2f}"


class Stock(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> int | None:
        """None, which leaves it as it is, for an empty cell."""
        return int(parse_number(value, decimals=0)) if value.strip() else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value)


class YesNo(Widget):
    KNOWN = {"1": True, "true": True, "yes": True, "wahr": True, "ja": True}
    KNOWN |= {"0": False, "false": False, "no": False, "falsch": False, "nein": False}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> bool:
        try:
            return self.KNOWN[value.strip().lower()]
        except KeyError as error:
            raise ValueError(f"“{value[:40]}” is neither 1 nor 0.") from error

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(int(value))


class Attributes(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> dict[str, Any]:
        try:
            found = attributes.parse(unescape(value)) if value.strip() else {}
        except ValueError as error:
            raise ValueError(f"“{value[:40]}” is no JSON.") from error
        if not isinstance(found, dict):
            raise ValueError('Write attributes as {"name": "value"}.')
        return found

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return json.dumps(value, ensure_ascii=False)


class CategoryName(Widget):
    """A category by its slug or its name, in any case and with any blanks. Knows all of them from the start."""

    def __init__(self) -> None:
        super().__init__()
        self._by_slug: dict[str, Category] = {}
        self._by_name: dict[str, set[Category]] = {}
        for category in Category.objects.all():
            self._by_slug[category.slug] = category
            for said in (category.slug, category.name):
                self._by_name.setdefault(_folded(said), set()).add(category)

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Category | None:
        text = unescape(value.strip())
        if not text or text in self._by_slug:
            return self._by_slug.get(text)
        found = self._by_name.get(_folded(text), set())
        if not found:
            raise ValueError(f"There is no category “{text[:40]}”.")
        if len(found) > 1:
            slugs = " or ".join(sorted(category.slug for category in found))
            raise ValueError(f"“{text[:40]}” is ambiguous. Write its slug: {slugs}.")
        return next(iter(found))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.slug if value else ""


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class ReadLine:
    """A product as its line makes it; before: its columns until then, None for a new one."""

    line: int
    product: Product
    before: dict[str, Any] | None
    exported: Exported | None
    has_stock: bool


class ProductResource(resources.ModelResource):  # type: ignore[misc]
    """Reads lines and saves nothing: `read` gets each product that a line makes, with what it was."""

    sku = Field("sku", "sku", widget=Sku())
    name = Field("name", "name", widget=Text())
    price = Field("price", "price", widget=Price())
    stock = Field("stock", "stock", widget=Stock(), saves_null_values=False)
    is_active = Field("is_active", "is_active", widget=YesNo())
    attributes = Field("attributes", "attributes", widget=Attributes())
    description = Field("description", "description", widget=Text())

    class Meta:
        model = Product
        fields = export_order = import_order = COLUMNS
        import_id_fields = ["sku"]
        instance_loader_class = CachedInstanceLoader
        use_bulk = True  # no savepoint a line
        skip_diff = True

    def __init__(self) -> None:
        super().__init__()
        self.fields["category"] = Field("category", "category", widget=CategoryName())
        self.read: list[ReadLine] = []
        self._lines: dict[str, int] = {}

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.select_related("category")

    def init_instance(self, row: Any = None) -> Product:
        return Product(stock=0, is_active=True, description="")

    def before_import_row(self, row: Mapping[str, Any], **kwargs: Any) -> None:
        if row[PROBLEM]:
            raise ValidationError(row[PROBLEM])
        sku = normalize_sku(unescape(row["sku"]))
        if not sku:
            raise ValidationError({"sku": "A line without a SKU is of no product."})
        if sku in self._lines:
            raise ValidationError({"sku": f"The same SKU is on line {self._lines[sku]}."})
        self._lines[sku] = row[LINE]
        try:
            exported = product_exported.parse(row.get(EXPORTED) or "")
        except ValueError as error:
            raise ValidationError({EXPORTED: str(error)}) from error
        if exported and not exported.is_of(sku):
            raise ValidationError({EXPORTED: "belongs to another SKU. Clear it, or put it back to its line."})

    def after_init_instance(self, instance: Product, new: bool, row: Mapping[str, Any], **kwargs: Any) -> None:
        if new and (missing := REQUIRED.difference(row)):
            raise ValidationError(f"A new product needs {' and '.join(sorted(missing))}.")
        instance.__dict__["_before"] = None if new else {name: getattr(instance, name) for name in COLUMNS}

    def validate_instance(
        self, instance: Product, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        errors = dict(import_validation_errors or {})
        try:
            # The category is one of those there are.
            instance.clean_fields(exclude=[*errors, "category", "created_at", "units_sold", "image"])
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: Product, is_create: bool, row: Mapping[str, Any], **kwargs: Any) -> None:
        exported = product_exported.parse(row.get(EXPORTED) or "")
        has_stock = bool((row.get("stock") or "").strip())
        self.read.append(ReadLine(row[LINE], instance, instance.__dict__.pop("_before"), exported, has_stock))
