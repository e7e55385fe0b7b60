"""What the shop sells: categories, products with their price and stock, and every movement of that stock."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now, Upper
from django.urls import reverse
from django.utils.text import slugify

from catalog.product_sku import SkuField
from core.text import DASHES, similar_sku


class Category(models.Model):
    category_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)

    class Meta:
        db_table = "categories"
        ordering = ["name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return _category_path(self.slug)


class OldSlug(models.Model):
    """The slug that a category had before; the database writes it (migration 0015), whoever renames the category."""

    slug = models.CharField(max_length=100, primary_key=True)
    category = models.ForeignKey(
        Category, on_delete=models.DO_NOTHING, related_name="+", db_column="category_id", db_constraint=False
    )

    class Meta:
        db_table = "old_category_slugs"
        default_permissions = ()

    def __str__(self) -> str:
        return self.slug


# A list of filters leads to every category, and finding out a path takes longer than anything else of a filter.
@lru_cache(maxsize=10_000)
def _category_path(slug: str) -> str:
    return reverse("catalog:category", kwargs={"slug": slug})


class ProductQuerySet(models.QuerySet["Product"]):
    def for_sale(self) -> ProductQuerySet:
        return self.filter(is_active=True)

    def in_stock(self) -> ProductQuerySet:
        return self.filter(stock__gt=0)

    def low_stock(self) -> ProductQuerySet:
        """For sale, and settings.LOW_STOCK or fewer are left."""
        return self.for_sale().filter(stock__lte=settings.LOW_STOCK)

    def with_similar_sku(self, sku: str) -> ProductQuerySet:
        """Whose SKU is another one and the same to similar_sku."""
        template = "ltrim(translate(lower(normalize(%(expressions)s, NFKC)), '{}', '{}'), '0')"
        dashes = template.format(DASHES + " ", "-" * len(DASHES))
        similar = Func("sku", template=dashes, output_field=models.CharField())
        return self.exclude(sku=sku).annotate(similar=similar).filter(similar=similar_sku(sku)).exclude(similar="")

    def best_selling(self) -> ProductQuerySet:
        return self.order_by("-units_sold", "-product_id")


class Product(models.Model):
    """One thing for sale; price is today's, in the shop's currency, stock is what is left to sell.

    The table has three more columns, which the database derives: `words` and `name_words` for
    catalog.search, `facets` for catalog.filters.
    """

    product_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0"))])
    stock = models.IntegerField(db_default=0, validators=[MinValueValidator(0)])
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sku = SkuField("SKU", max_length=64, blank=True, db_default="")
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products", db_column="category_id"
    )
    description = models.TextField(blank=True, db_default="")
    attributes = models.JSONField(blank=True, default=dict, db_default={})
    is_active = models.BooleanField("active", db_default=True, help_text="Retired products stay in orders, unsold.")

    # The name of its picture's files, "" without one: catalog.images keeps them.
    image = models.CharField("picture", max_length=32, blank=True, db_default="", editable=False)

    # Units ordered lately, to sort by; orders.popularity counts them now and then.
    units_sold = models.IntegerField(db_default=0, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        db_table = "products"
        permissions = [
            ("move_stock", "Can correct and restock products"),
            ("import_product", "Can import products, their stock too"),
            ("export_product", "Can export products"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(price__gte=0),
                name="products_price_not_negative",
                violation_error_message="A price is 0 or more.",
            ),
            models.CheckConstraint(
                condition=models.Q(stock__gte=0),
                name="products_stock_not_negative",
                violation_error_message="Stock is 0 or more.",
            ),
            models.UniqueConstraint(
                fields=["sku"],
                condition=~models.Q(sku=""),
                name="products_sku_unique",
                violation_error_message="Another product has this SKU.",
            ),
        ]
        indexes = [
            # Names near a word that was typed wrongly: search.nearest.
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="products_name_trigram"),
            # The shop's list, newest first; by price; by units sold.
            models.Index(fields=["-created_at", "-product_id"], name="products_newest"),
            models.Index(fields=["price", "product_id"], name="products_by_price"),
            models.Index(fields=["-units_sold", "-product_id"], name="products_best_selling"),
            # A category, newest first.
            models.Index(fields=["category", "-created_at", "-product_id"], name="products_of_category"),
            # The back office's search: name__icontains, sku__icontains.
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="products_upper_name_trigram"),
            GinIndex(OpClass(Upper("sku"), "gin_trgm_ops"), name="products_upper_sku_trigram"),
            # The shop's search: sku__iexact.
            models.Index(Upper("sku"), name="products_sku_any_case"),
            # The shop's list, of chosen attributes: attributes__contains.
            GinIndex(fields=["attributes"], opclasses=["jsonb_path_ops"], name="products_attributes"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("catalog:product", kwargs={"slug": self.slug})

    def shown(self) -> tuple[object, ...]:
        """What lists show of it."""
        return (self.pk, self.name, self.price, self.stock, self.sku, self.is_active, self.image)

    @property
    def slug(self) -> str:
        """Readable name and number: old addresses find the product after it was renamed."""
        return f"{slugify(self.name) or 'product'}-{self.product_id}"


class Reason(models.TextChoices):
    """Why stock moved."""

    OPENING = "opening", "Opening stock"
    IMPORT = "import", "Import"
    SALE = "sale", "Sale"
    CANCEL = "cancel", "Cancelled order"
    EDIT = "edit", "Edited order"
    RETURN = "return", "Returned goods"
    RESTOCK = "restock", "Restock"
    CORRECTION = "correction", "Correction"
    DELETED = "deleted", "Product deleted"


class StockMovementQuerySet(models.QuerySet["StockMovement"]):
    def of_product(self, product: Product) -> StockMovementQuerySet:
        return self.filter(product=product)

    def newest_first(self) -> StockMovementQuerySet:
        return self.order_by("-movement_id")


class StockMovement(models.Model):
    """One change of a product's stock: how much, what was left after it, who did it and why.

    The database writes it and nobody else does (migration 0005): no row can be added, changed or removed, and the sum
    of a product's movements is its stock. Who and why are what catalog.stock told it. The product, the order and the
    actor are kept by their numbers, so that the movement outlives them.
    """

    movement_id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(
        Product,
        on_delete=models.DO_NOTHING,
        related_name="movements",
        db_column="product_id",
        db_constraint=False,
        db_index=False,
    )
    delta = models.IntegerField()
    stock_after = models.IntegerField()
    reason = models.CharField(max_length=20, choices=Reason)
    order_id = models.BigIntegerField("order", null=True)
    note = models.TextField(db_default="")
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200)
    moved_at = models.DateTimeField()

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        db_table = "stock_movements"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(delta=0),
                name="stock_movements_moves",
                violation_error_message="A movement changes the stock.",
            ),
            models.CheckConstraint(
                condition=models.Q(stock_after__gte=0),
                name="stock_movements_not_negative",
                violation_error_message="Stock is 0 or more.",
            ),
            models.CheckConstraint(
                condition=models.Q(reason__in=Reason.values),
                name="stock_movements_reason_known",
                violation_error_message="Stock does not move for this reason.",
            ),
        ]
        indexes = [
            # The movements of one product, newest first.
            models.Index(fields=["product", "-movement_id"], name="stock_movements_of_product"),
        ]

    def __str__(self) -> str:
        return f"{self.delta:+,} {self.get_reason_display().lower()}"


class SheetState(models.TextChoices):
    """reading and importing are done by a worker, ready waits for its uploader, the rest are ends."""

    READING = "reading", "Being looked at"
    READY = "ready", "To be confirmed"
    IMPORTING = "importing", "Being imported"
    IMPORTED = "imported", "Imported"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class ProductSheetQuerySet(models.QuerySet["ProductSheet"]):
    def newest_first(self) -> ProductSheetQuerySet:
        """Without what is long."""
        return self.defer("text", "seen", "found", "result").order_by("-sheet_id")


class ProductSheet(models.Model):
    """A file of products on its way: looked at, confirmed by who uploaded it, imported. See catalog.product_import.

    lines, done: of the text, and how far the work of this state has come.
    seen: {line: null for a new product, else [product_id, mark, delta]} of the lines that would change something.
    found, result: what the look and the import came to, as catalog.product_import's Found and Result.
    due_at: when a worker may take it, null where there is nothing to do. attempts: how often one took it in this state.
    """

    sheet_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    text = models.TextField()  # empty at the end
    uploaded_by = models.BigIntegerField()
    uploader_name = models.CharField(max_length=200, db_default="")
    uploaded_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=SheetState, db_default=SheetState.CANCELLED)
    lines = models.IntegerField(db_default=0)
    done = models.IntegerField(db_default=0)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(db_default=0)
    read_at = models.DateTimeField(null=True)  # when the look began
    seen = models.JSONField(default=dict, db_column="moves")
    found = models.JSONField(default=dict, db_default={})
    result = models.JSONField(default=dict, db_default={})
    error = models.TextField(db_default="")
    ended_at = models.DateTimeField(null=True, db_column="imported_at")

    objects = ProductSheetQuerySet.as_manager()

    class Meta:
        db_table = "product_sheets"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    @property
    def is_worked_on(self) -> bool:
        return self.state in (SheetState.READING, SheetState.IMPORTING)

    @property
    def percent(self) -> int:
        return 100 * self.done // max(self.lines, 1)
