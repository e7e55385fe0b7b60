"""manage.py seed_load --orders N: fill the shop with that many orders, to measure with."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from history.demo import load
from history.demo.local_only import LocalOnlyCommand
from history.imports.progress import bar
from history.models import DirtyDay
from history.rollups import keeper
from orders.models import Order


class Command(LocalOnlyCommand):
    help = (
        "Fill the shop with generated orders of two years, to see how it does with many; not for a real shop. Makes "
        "customers, products, orders with items and events in PostgreSQL, then in MongoDB a document of each order and "
        "the rollups that the reports read. Stopped in between, what was written stays and the relays do the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=1_000_000, metavar="N", help="how many (1,000,000)")
        parser.add_argument("--yes", action="store_true", help="even where there are orders already")
        parser.add_argument(
            "--no-documents",
            action="store_true",
            help="leave the documents, which take longest, to the relays: the reports have all their numbers, but say "
            "that every order is behind, and the page of an order lacks its history until then",
        )

    def handle(self, *args: Any, orders: int, yes: bool, no_documents: bool, **options: Any) -> None:
        if orders < 1:
            raise CommandError("--orders must be 1 or more.")
        if Order.objects.exists() and not yes:
            raise CommandError("This shop has orders already; say --yes to put generated ones among them.")
        self._write(load.Load(orders=orders, now=timezone.now()))
        if no_documents:
            self._count()
        else:
            call_command("relay", drain=True, stdout=self.stdout, stderr=self.stderr)

    def _write(self, made: load.Load) -> None:
        began = time.monotonic()
        with bar("writing", made.orders, "orders") as advance:
            load.fill(made, progress=advance)
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{made.orders:,} orders of {made.users:,} customers and {made.products:,} products written in "
            f"{seconds:.1f} s ({made.orders / seconds:,.0f} orders/s)."
        )

    def _count(self) -> None:
        began = time.monotonic()
        waiting = DirtyDay.objects.values("day").distinct().count()
        with bar("counting", waiting, "days") as advance:
            days = keeper.drain(advance)
        seconds = time.monotonic() - began
        self.stdout.write(f"{days:,} days counted in {seconds:.1f} s; the documents are left to the relays.")
