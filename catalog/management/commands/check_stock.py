"""manage.py check_stock: prove that every product's stock is the sum of its movements, or name where it is not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from catalog import stock
from catalog.models import Product, StockMovement


class Command(BaseCommand):
    help = "Add up every product's stock movements; exit 0 when they are its stock, 1 when not."

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
        if differences or missing:
            sys.exit(1)
