"""manage.py import_orders DIR: bring an order book with its history into the shop, all of it or nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from history.imports.book import Summary, import_orders
from history.imports.progress import bar, peak_megabytes
from history.imports.sheets import CannotBegin, ImportRefused

KINDS = {
    "users": "users",
    "products": "products",
    "orders": "orders",
    "order_items": "order items",
    "order_events": "order events",
}


class Command(BaseCommand):
    help = "Import users, products and orders with their items and events from CSV files, all of it or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "directory",
            metavar="DIR",
            type=Path,
            help="holds users.csv, products.csv, orders.csv, order_items.csv and order_events.csv, plain or .gz",
        )
        parser.add_argument(
            "--skip-bad", action="store_true", help="import what is good and write the rest to the rejects file"
        )
        parser.add_argument(
            "--update",
            action="store_true",
            help="bring orders that are there already up to date: new items, later events, their status",
        )
        parser.add_argument(
            "--allow-odd",
            action="store_true",
            help="take orders without items, and events dated before their order, too",
        )
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            type=Path,
            help="CSV of the bad rows and why (with --skip-bad: rejects.csv in the current directory)",
        )

    def handle(self, *args: Any, directory: Path, rejects: Path | None, **options: Any) -> None:
        began = time.monotonic()
        chosen = {name: options[name] for name in ("skip_bad", "update", "allow_odd")}
        rejects = rejects or (Path("rejects.csv") if chosen["skip_bad"] else None)
        try:
            summary = import_orders(directory, **chosen, rejects_to=rejects, bar=bar)
        except CannotBegin as refused:
            raise CommandError(str(refused)) from None
        except ImportRefused as refused:
            raise CommandError(self._told(refused)) from None
        except OSError as error:
            raise CommandError(
                f"Nothing was imported: {error.filename} cannot be opened ({error.strerror})."
            ) from error
        except IntegrityError as error:
            told = str(error).splitlines()[0]
            raise CommandError(f"Nothing was imported, the database refused it: {told}. Try again.") from error
        self._report(summary, rejects, time.monotonic() - began)
        self._compare(summary, is_update=chosen["update"])

    def _compare(self, summary: Summary, *, is_update: bool) -> None:
        """Name what differs in orders that are there already; raise CommandError where --update was not chosen."""
        different = summary.different
        for line in (*different.by_reason, *different.first):
            self.stderr.write(line)
        if different.count and not is_update:
            raise CommandError(
                f"{different.count:,} differences in orders that were there already, which stay as they are."
                " --update applies what is new in the book."
            )
        if different.count:
            self.stdout.write(f"{different.count:,} orders went on here since and stay as they are.")

    def _told(self, refused: ImportRefused) -> str:
        for problem in (*refused.by_reason, *refused.problems):
            self.stderr.write(problem)
        if refused.count == 1:
            return "1 problem; nothing was imported."
        shown = f" (the first {len(refused.problems)} are shown)" if refused.count > len(refused.problems) else ""
        return f"{refused.count:,} problems{shown}; nothing was imported."

    def _report(self, summary: Summary, rejects: Path | None, seconds: float) -> None:
        for name, label in KINDS.items():
            skipped = summary.skipped[name]
            there = f", {skipped:,} already there" if skipped else ""
            self.stdout.write(f"{label:<13} {summary.rows[name] - skipped:>9,} imported{there}")
        if summary.written.events_added:
            self.stdout.write(f"{summary.written.events_added:,} order events were added for orders without their own.")
        if summary.updated:
            self.stdout.write(f"{summary.updated:,} orders that were there already were updated.")
        if summary.problems.count:
            for line in summary.problems.by_reason:
                self.stderr.write(line)
            self.stdout.write(
                f"Orders rejected: {summary.orders_rejected:,}; rows, in {rejects}: {summary.rows_rejected:,}."
            )
        rate = summary.written.orders / seconds
        self.stdout.write(f"{seconds:.1f} s, {rate:,.0f} orders/s, at most {peak_megabytes():,} MB of memory.")
