"""What every order reads while it is placed."""

from __future__ import annotations

from django.db.models import BigIntegerField, CharField
from django.db.models.expressions import RawSQL

from catalog.models import Product
from config.database.kept import Given, Kept
from config.database.lookups import EqualsAny
from orders.models import CartItem

CART = Kept(
    lambda: (
        CartItem.objects.filter(customer=Given("customer"))
        .select_related("product")
        .defer("product__description", "product__attributes")
        .order_by("cart_item_id")[: CartItem.MOST]
    )
)

PRODUCTS_OF_SKUS = Kept(
    lambda: Product.objects.filter(EqualsAny("sku", Given("skus", CharField()))).defer("description", "attributes")
)

# Locked in key order, as everywhere, so that two orders of the same products cannot wait for each other; with the order
# that the locked customer placed with the key already, if there is one (None): it is at the start of what every order
# takes.
ORDER_OF_KEY = "SELECT order_id FROM orders WHERE user_id = %s AND idempotency_key = %s"
FOR_SALE = Kept(
    lambda: (
        Product.objects.filter(EqualsAny("pk", Given("products")))
        .defer("description", "attributes")
        .annotate(
            known=RawSQL(ORDER_OF_KEY, [Given("customer"), Given("key", CharField())], BigIntegerField())  # noqa: S611
        )
        .order_by("pk")
        .select_for_update(no_key=True)
    )
)
