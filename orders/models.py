"""Orders and what was ordered, at the price of the day.

The database keeps `rev` itself (see history's triggers): 1 at first, one more with every real change.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import Product
from orders.status import OPEN, Status, allowed_after

if TYPE_CHECKING:
    from users.models import User


class OrderQuerySet(models.QuerySet["Order"]):
    def for_customer(self, customer: User) -> OrderQuerySet:
        return self.filter(customer=customer)

    def open(self) -> OrderQuerySet:
        return self.filter(status__in=OPEN)

    def with_items(self) -> OrderQuerySet:
        return self.prefetch_related(models.Prefetch("items", OrderItem.objects.order_by("order_item_id")))

    def with_pictures(self) -> OrderQuerySet:
        """With items, and of each one's product what it takes to show it."""
        products = OrderItem.objects.select_related("product").defer("product__description", "product__attributes")
        return self.prefetch_related(models.Prefetch("items", products.order_by("order_item_id")))

    def newest_first(self) -> OrderQuerySet:
        return self.order_by("-created_at", "-order_id")


class Order(models.Model):
    """One order; total_amount is in the shop's currency, shipping_address a copy of where it went."""

    order_id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_column="user_id"
    )
    total_amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status, db_default=Status.PENDING)
    created_at = models.DateTimeField(db_default=Now())
    rev = models.IntegerField(db_default=1, editable=False)
    # NULL where there is none, since an empty text would be unique too.
    external_ref = models.CharField(max_length=64, null=True, blank=True)
    idempotency_key = models.CharField(max_length=64, null=True, blank=True)
    shipping_address = models.JSONField(default=dict, db_default={}, blank=True)
    # Placing took the quantities out of stock, so a cancel gives them back; imported orders never took any.
    holds_stock = models.BooleanField(db_default=False, editable=False)
    # Who made the latest change, when and why: written in the same statement as the change, copied by the
    # triggers into its event. A write that does not move changed_at is put down to "database".
    changed_by = models.BigIntegerField(null=True, editable=False)
    changed_by_name = models.CharField(max_length=200, db_default="database", editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)
    change_note = models.TextField(db_default="", blank=True, editable=False)
    # When the shop last wrote a note to the customer: the event that moves it is for their eyes.
    told_customer_at = models.DateTimeField(null=True, editable=False)

    # Of one that was read back out of the archive: only to be shown. is_incomplete: what was in it is not known now.
    is_archived = False
    is_incomplete = False

    objects = OrderQuerySet.as_manager()

    class Meta:
        db_table = "orders"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values),
                name="orders_status_known",
                violation_error_message="Orders do not have this status.",
            ),
            models.CheckConstraint(
                condition=models.Q(total_amount__gte=0),
                name="orders_total_not_negative",
                violation_error_message="The total of an order is 0 or more.",
            ),
            models.UniqueConstraint(
                fields=["external_ref"],
                name="orders_external_ref_unique",
                violation_error_message="Another order has this reference.",
            ),
            models.UniqueConstraint(
                fields=["customer", "idempotency_key"],
                name="orders_idempotency_key_unique",
                violation_error_message="This order was placed already.",
            ),
        ]
        indexes = [
            # My orders, newest first.
            models.Index(fields=["customer", "-created_at", "-order_id"], name="orders_of_customer"),
            # The back office's list, newest first.
            models.Index(fields=["-created_at", "-order_id"], name="orders_newest"),
            # The back office's list, by total.
            models.Index(fields=["total_amount", "order_id"], name="orders_by_total"),
            # The back office's filter by status; what Trust asks of a day and status, from the index alone.
            models.Index(
                fields=["status", "-created_at", "-order_id"], include=["total_amount"], name="orders_by_status_amount"
            ),
        ]
        permissions = [
            ("refund_order", "Can take items back and refund them"),
            ("export_order", "Can export orders"),
        ]

    def __str__(self) -> str:
        return f"#{self.order_id}"

    def get_absolute_url(self) -> str:
        return reverse("order", kwargs={"order_id": self.order_id})

    @property
    def can_be_cancelled(self) -> bool:
        return Status.CANCELLED in allowed_after(self.status)


class OrderItem(models.Model):
    """One product of an order; price, product_name and sku are copies as sold."""

    order_item_id = models.BigAutoField(primary_key=True)
    # Migration 0002 makes the foreign key itself, because it deletes the items with their order (ON DELETE CASCADE).
    order = models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, related_name="items", db_column="order_id", db_constraint=False
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_column="product_id")
    quantity = models.IntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    # Left empty by plain SQL, a trigger fills them in from the product.
    product_name = models.CharField(max_length=200, db_default="", blank=True)
    sku = models.CharField("SKU", max_length=64, db_default="", blank=True)

    class Meta:
        db_table = "order_items"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0),
                name="order_items_quantity_positive",
                violation_error_message="A quantity is 1 or more.",
            ),
            models.CheckConstraint(
                condition=models.Q(price__gte=0),
                name="order_items_price_not_negative",
                violation_error_message="A price is 0 or more.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_name}"

    @property
    def subtotal(self) -> Decimal:
        return self.price * self.quantity


# Keys of each item of a refund that its order is shown by.
RETURNED_ITEM = {"order_item_id", "product_id", "product_name", "sku", "quantity", "price"}


class Refund(models.Model):
    """What came back of an order at once, and what was given back for it, in the shop's currency; never changed.

    items: [{order_item_id, product_id, product_name, sku, quantity, price, restocked}], as sold; price is a decimal
    string. The order's items were lowered by them, unless is_last: then everything that was left came back, the order
    became returned and keeps its items and total, as a cancelled one does.
    """

    refund_id = models.BigAutoField(primary_key=True)
    # No foreign key: the record stays when its order is archived (a trigger of migration 0006 lets it go with an
    # order that is deleted).
    order = models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, related_name="refunds", db_column="order_id", db_constraint=False
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    items = models.JSONField()
    reason = models.TextField()
    is_last = models.BooleanField()
    # Kept by number and name, as in events: they outlive the account.
    refunded_by = models.BigIntegerField()
    refunded_by_name = models.CharField(max_length=200)
    refunded_at = models.DateTimeField()

    class Meta:
        db_table = "refunds"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0),
                name="refunds_amount_not_negative",
                violation_error_message="A refund is 0 or more.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} of order #{self.order_id}"

    @property
    def told_items(self) -> list[str]:
        return [f"{item['quantity']} × {item['product_name']}" for item in self.readable_items]

    @property
    def readable_items(self) -> list[dict[str, Any]]:
        """The items that came back, without what plain SQL wrote in another form."""
        items = self.items if isinstance(self.items, list) else []
        return [item for item in items if isinstance(item, dict) and item.keys() >= RETURNED_ITEM]


class CartItemQuerySet(models.QuerySet["CartItem"]):
    def for_customer(self, customer: User) -> CartItemQuerySet:
        return self.filter(customer=customer)

    def expired(self, *, at: datetime) -> CartItemQuerySet:
        """Those of guests that nobody changed for as long as their cookie lasts."""
        return self.filter(customer=None, changed_at__lt=at - timedelta(seconds=settings.CART_COOKIE_AGE))


class CartItem(models.Model):
    """One product that a customer or a guest means to order; price_seen is its price when they last set the quantity.

    guest_key: of the cookie that finds a guest's cart.
    """

    MOST = 100  # of one cart

    cart_item_id = models.BigAutoField(primary_key=True)
    # Migration 0003 makes both foreign keys itself: a cart must not keep plain SQL from deleting (ON DELETE CASCADE).
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="cart_items",
        db_column="user_id",
        db_constraint=False,
        null=True,
    )
    guest_key = models.CharField(max_length=32, null=True)
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="+", db_column="product_id", db_constraint=False
    )
    quantity = models.IntegerField()
    price_seen = models.DecimalField(max_digits=10, decimal_places=2)
    changed_at = models.DateTimeField(db_default=Now())

    objects = CartItemQuerySet.as_manager()

    class Meta:
        db_table = "cart_items"
        constraints = [
            # Their indexes find the cart of a customer, and that of a guest.
            models.UniqueConstraint(
                fields=["customer", "product"],
                name="cart_items_product_once",
                violation_error_message="This product is in the cart already.",
            ),
            models.UniqueConstraint(
                fields=["guest_key", "product"],
                name="cart_items_product_once_a_guest",
                violation_error_message="This product is in the cart already.",
            ),
            models.CheckConstraint(
                condition=models.Q(customer=None) ^ models.Q(guest_key=None),
                name="cart_items_one_owner",
                violation_error_message="A cart is a customer's or a guest's.",
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0),
                name="cart_items_quantity_positive",
                violation_error_message="A quantity is 1 or more.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product.name}"

    @property
    def subtotal(self) -> Decimal:
        return self.product.price * self.quantity

    @property
    def available(self) -> int:
        """How many of the wanted ones can be ordered now."""
        return min(self.quantity, self.product.stock) if self.product.is_active else 0

    @property
    def problem(self) -> str:
        """Why it cannot be ordered like this, or nothing."""
        if not self.product.is_active:
            return _("No longer for sale.")
        if self.product.stock == 0:
            return _("Sold out.")
        if self.available < self.quantity:
            told = _("Only {left} left, you asked for {wanted}.")
            return told.format(left=self.product.stock, wanted=self.quantity)
        return ""

    @property
    def has_new_price(self) -> bool:
        return self.price_seen != self.product.price


class MailQuerySet(models.QuerySet["Mail"]):
    def of_order(self, order_id: int) -> MailQuerySet:
        return self.filter(order_id=order_id).order_by("rev")

    def told(self) -> MailQuerySet:
        """Those that something can be said of: sent, or tried in vain."""
        return self.filter(models.Q(sent_at__isnull=False) | ~models.Q(error=""))


class Mail(models.Model):
    """A mail about one step of one order: to be sent, or what became of it; orders.mails sends them.

    Written in the transaction of the step, so there is one for each step that the shop took and none for one that
    was rolled back; imports and plain SQL ask for none. It says nothing of the customer: the address is looked up
    when it is sent. due_at: when it is tried (again), None once it is sent or given up.
    """

    mail_id = models.BigAutoField(primary_key=True)
    # Without a foreign key in the database: a mail must not keep an order from being deleted or archived.
    order = models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, related_name="+", db_column="order_id", db_constraint=False, db_index=False
    )
    rev = models.IntegerField()
    status = models.CharField(max_length=20, choices=Status)
    # Of whoever took the step; all mails about an order speak that of the first one.
    language = models.CharField(max_length=10)
    due_at = models.DateTimeField(null=True, db_default=Now())
    attempts = models.IntegerField(db_default=0)
    tried_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="", blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        db_table = "order_mails"
        default_permissions = ()
        constraints = [
            # Its index finds the mails of an order.
            models.UniqueConstraint(
                fields=["order", "rev"],
                name="order_mails_once_a_revision",
                violation_error_message="There is a mail about this change already.",
            ),
        ]
        indexes = [
            # The sender's claim; small, because what is sent leaves it.
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="order_mails_due"),
        ]

    def __str__(self) -> str:
        return f"#{self.order_id}: {self.status}"
