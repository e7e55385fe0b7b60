"""What a shop for the browser has to sell."""

from __future__ import annotations

from catalog.models import Product
from tests.browser.visitor import PASSWORD
from tests.factories import CategoryFactory, ProductFactory, StaffFactory


def stock_few_goods() -> None:
    """Thirty lamps and kettles, of which one is sold out."""
    for kind in ("Lamp", "Kettle"):
        category = CategoryFactory(name=f"{kind}s", slug=f"{kind.lower()}s")
        for number in range(15):
            colour = ("red", "blue")[number % 2]
            ProductFactory(name=f"{kind} {number}", category=category, attributes={"colour": colour})
    Product.objects.filter(name="Kettle 3").update(stock=0)
    StaffFactory(email="staff@shop.example", password=PASSWORD)
