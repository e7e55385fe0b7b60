"""What attackers typed runs in no browser: no page makes it an element, and none tries to run it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from catalog.models import Category, Product
from history.mirror import relay
from history.models import Endpoint
from orders.models import Order
from orders.notes import add_note
from orders.services import RequestedItem, place_order
from users import api_keys
from users.models import User

SCRIPT = """x"'><zq-mark><script>window.zq=1</script><img src=zq onerror=window.zq=1>"""
# What ran, and what became an element; a picture that is none would be asked for too.
FOUND = "() => (window.zq ? 1 : 0) + document.querySelectorAll('zq-mark, [onerror], img[src=zq]').length"
PAGES = [
    "/", "/search/?q=x", "/p/x-{product}/", "/c/lamps/", "/cart/", "/orders/", "/orders/{order}/",
    "/orders/{order}/receipt/", "/checkout/done/{order}/", "/account/", "/admin/", "/admin/orders/order/",
    "/admin/orders/order/{order}/change/", "/admin/catalog/product/", "/admin/catalog/product/{product}/change/",
    "/admin/users/user/", "/admin/users/apikey/", "/admin/history/endpoint/", "/admin/history/event/activity/",
    "/reports/products/?period=all", "/reports/customers/?period=all", "/reports/orders/?period=all",
]  # fmt: skip


@pytest.fixture
def goods(goods):
    """Names of everything that has one are scripts."""
    staff, now = User.objects.get(email="staff@shop.example"), timezone.now()
    staff.name = SCRIPT
    staff.save()
    Category.objects.filter(slug="lamps").update(name=SCRIPT)
    attributes = {SCRIPT: SCRIPT, "colour": SCRIPT}
    Product.objects.filter(name="Lamp 0").update(name=SCRIPT, description=SCRIPT, attributes=attributes)
    item = RequestedItem(Product.objects.get(name=SCRIPT), 1)
    address = dict.fromkeys(("name", "line1", "city", "postcode", "country"), SCRIPT)
    order = place_order(customer=staff, items=[item], key="k", at=now, shipping_address=address)
    add_note(order, text=SCRIPT, to_customer=True, seen_rev=order.rev, by=staff, at=now)
    api_keys.make(name=SCRIPT, scopes=["orders:read"], customer=None, requests_per_minute=1)
    Endpoint.objects.create(name=SCRIPT, url="https://hooks.example/", position=0)


@pytest.mark.timeout(300)
def test_no_script_runs(visit):
    relay.drain()
    numbers = {"order": Order.objects.get().pk, "product": Product.objects.get(name=SCRIPT).pk}
    visitor = visit()
    visitor.sign_in("staff@shop.example")

    shown = 0
    for path in PAGES:
        page = visitor.go(path.format(**numbers))
        assert page.evaluate(FOUND) == 0, path
        shown += SCRIPT in page.content().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')

    # Where it stands as text.
    assert shown > 15
