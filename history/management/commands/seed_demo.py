"""manage.py seed_demo: fill an empty database with a shop to look at."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from history.demo import people, shop
from history.demo.local_only import LocalOnlyCommand
from history.imports.progress import bar
from history.imports.staging import ImportRunning
from history.imports.writer import Written


class Command(LocalOnlyCommand):
    help = "Fill an empty database with a demo shop: products, customers, thirteen months of orders, accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there is something already")

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        began = time.monotonic()
        try:
            if if_empty and not shop.is_empty():
                raise shop.NotEmpty
            written = shop.seed(now=timezone.now(), bar=bar)
        except shop.NotEmpty:
            if not if_empty:
                raise CommandError(
                    "The database has users or products already; the demo shop goes into an empty one only."
                ) from None
            self.stdout.write("The database is not empty: no demo shop was loaded.")
        except ImportRunning:
            raise CommandError("An import is running in this database; wait until it is through.") from None
        else:
            self._report(written, time.monotonic() - began)

    def _report(self, written: Written, seconds: float) -> None:
        self.stdout.write(
            f"Demo shop loaded in {seconds:.1f} s: {written.products} products in {written.categories} categories, "
            f"{written.users} users, {written.orders:,} orders with {written.items:,} items and "
            f"{written.events:,} events."
        )
        self.stdout.write(
            f"Sign in as {people.CUSTOMER}, {people.STAFF} or {people.ANALYST}; the password is {people.PASSWORD}."
        )
