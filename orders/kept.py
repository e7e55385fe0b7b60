"""The cart, and what every order reads and writes while it is placed: querysets whose SQL is made once, and SQL."""

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

# As SQL, because save() takes as long again as the statement; what is left out has a default in the database.
INSERT_ORDER = """
INSERT INTO orders (user_id, total_amount, idempotency_key, shipping_address, holds_stock, created_at,
    changed_at, changed_by, changed_by_name)
VALUES (%(customer)s, %(total)s, %(key)s, %(address)s, true, %(at)s, %(at)s, %(by)s, %(by_name)s)
RETURNING order_id, status, rev, change_note
"""

ITEM_COLUMNS = ("product_id", "quantity", "price", "product_name", "sku")
ADD_ITEMS = """
INSERT INTO order_items (order_id, product_id, quantity, price, product_name, sku)
SELECT %s, * FROM unnest(%s::bigint[], %s::integer[], %s::numeric[], %s::text[], %s::text[])
"""

# The database knows the revision: it has just counted it.
ASK_FOR_MAIL = """
INSERT INTO order_mails (order_id, rev, status, language) SELECT order_id, rev, %s, %s FROM orders WHERE order_id = %s
"""
