"""manage.py check_stock: prove that every product's stock is the sum of its movements, and that orders fit it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from catalog import stock
from catalog.models import Product, StockMovement
from orders import consistency


class Command(BaseCommand):
    help = (
        "Add up every product's stock movements, and look for cancelled orders that hold stock and totals that are not "
        "those of the items; exit 0 when all is well, 1 when not. An order without items is only named."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        differences, missing = stock.differences(), stock.missing_triggers()
        for difference in differences:
            self.stdout.write(str(difference))
        for trigger in missing:
            self.stdout.write(f"the trigger {trigger} on {stock.TRIGGERS[trigger]} is missing or switched off")
        self.stdout.write(
            f"{Product.objects.count():,} products, {StockMovement.objects.count():,} movements, "
            f"{len(differences):,} differ."
        )
        orders = consistency.inconsistencies()
        for order in orders:
            self.stdout.write(str(order))
        odd_products = consistency.products_with_odd_attributes()
        for number in odd_products:
            self.stdout.write(f"in PostgreSQL, product {number}: attributes are no JSON object")
        counts = consistency.count(orders)
        if orders:
            self.stdout.write(str(counts))
        odd_orders = any(order.has_odd_address for order in orders)
        if differences or missing or counts.wrong_totals or counts.holding_stock or odd_orders or odd_products:
            sys.exit(1)
