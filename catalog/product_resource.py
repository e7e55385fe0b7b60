"""A product as a line of CSV, both ways: what each column says and what it may not.

A file needs the column sku, and only the columns it has are changed: an empty stock leaves the stock as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export import resources
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader
from import_export.widgets import Widget as UntypedWidget

from catalog import attributes
from catalog.models import Category, Product
from core.csv_output import unescape

COLUMNS = ["sku", "name", "category", "price", "stock", "is_active", "attributes", "description"]
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


class Price(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Decimal:
        told = ValidationError(f"“{value[:40]}” is no price; write it like 1234.50.")
        try:
            price = Decimal(value.strip())
            rounded = price.quantize(Decimal("0.01"))
        except InvalidOperation as error:
            raise told from error
        if not price.is_finite() or price != rounded:
            raise told
        return rounded

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return f"{value:.2f}"


class Stock(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> int | None:
        """None, which leaves it as it is, for an empty cell."""
        text = value.strip()
        if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise ValidationError(f"“{value[:40]}” is no number of units.")
        return int(text) if text else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value)


class YesNo(Widget):
    KNOWN = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> bool:
        try:
            return self.KNOWN[value.strip().lower()]
        except KeyError as error:
            raise ValidationError(f"“{value[:40]}” is neither 1 nor 0.") from error

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(int(value))


class Attributes(Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> dict[str, Any]:
        try:
            found = attributes.parse(unescape(value)) if value.strip() else {}
        except ValueError as error:
            raise ValidationError(f"“{value[:40]}” is no JSON.") from error
        if not isinstance(found, dict):
            raise ValidationError('Write attributes as {"name": "value"}.')
        return found

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return json.dumps(value, ensure_ascii=False)


class CategorySlug(Widget):
    """Knows all categories from the start: no line asks for its own."""

    def __init__(self) -> None:
        super().__init__()
        self._by_slug = {category.slug: category for category in Category.objects.all()}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Category | None:
        slug = unescape(value.strip())
        if slug and slug not in self._by_slug:
            raise ValidationError(f"There is no category “{slug[:40]}”; its slug is meant.")
        return self._by_slug.get(slug)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.slug if value else ""


class ProductResource(resources.ModelResource):  # type: ignore[misc]
    """Reads lines and saves nothing: `read` gets each product that a line makes, with what it was."""

    sku = Field("sku", "sku", widget=Text())
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
        self.fields["category"] = Field("category", "category", widget=CategorySlug())
        self.read: list[tuple[int, Product, dict[str, Any] | None]] = []
        self._lines: dict[str, int] = {}

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.select_related("category")

    def init_instance(self, row: Any = None) -> Product:
        return Product(stock=0, is_active=True, description="")

    def before_import_row(self, row: Mapping[str, Any], **kwargs: Any) -> None:
        if row[PROBLEM]:
            raise ValidationError(row[PROBLEM])
        sku = unescape(row["sku"])
        if not sku.strip():
            raise ValidationError({"sku": "A line without a SKU is of no product."})
        if sku in self._lines:
            raise ValidationError({"sku": f"The same SKU is on line {self._lines[sku]}."})
        self._lines[sku] = row[LINE]

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
        self.read.append((row[LINE], instance, instance.__dict__.pop("_before")))
