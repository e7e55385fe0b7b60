"""manage.py seed_load --orders N: fill the shop with that many orders, to measure with."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from history.demo import load
from history.imports.progress import bar
from orders.models import Order


class Command(BaseCommand):
    help = "Fill the shop with generated orders of two years, to see how it does with many. Not for a real shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=1_000_000, metavar="N", help="how many (1,000,000)")
        parser.add_argument("--yes", action="store_true", help="even where there are orders already")

    def handle(self, *args: Any, orders: int, yes: bool, **options: Any) -> None:
        if orders < 1:
            raise CommandError("--orders must be 1 or more.")
        if Order.objects.exists() and not yes:
            raise CommandError("This shop has orders already; say --yes to put generated ones among them.")
        began = time.monotonic()
        made = load.Load(orders=orders, now=timezone.now())
        with bar("writing", orders, "orders") as advance:
            load.fill(made, progress=advance)
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{orders:,} orders of {made.users:,} customers and {made.products:,} products written in "
            f"{seconds:.1f} s ({orders / seconds:,.0f} orders/s)."
        )
        self.stdout.write("The relays carry them over, reports first; `manage.py relay --drain` waits for it.")
