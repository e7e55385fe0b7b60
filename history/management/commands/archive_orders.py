"""manage.py archive_orders --before DATE: move finished old orders out of PostgreSQL; MongoDB keeps them."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from pymongo.errors import PyMongoError
from tqdm import tqdm

from history import mongo
from history.archive import marks, run
from history.archive.columns import NotArchivable
from history.archive.leave import Outcome

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Move finished orders (delivered, returned, cancelled) that were placed before a day out of PostgreSQL; exit 1 "
        "where one stays because its document in MongoDB differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--before",
            metavar="DATE",
            type=_day,
            help="such as 2024-01-01, in the shop's time zone; without it ARCHIVE_AFTER_DAYS ago",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be archived and what not")
        parser.add_argument("--batch", metavar="N", type=_positive, default=run.BATCH, help="orders of one transaction")
        parser.add_argument("--rate", metavar="N", type=_positive, help="orders a second at most")

    def run_from_argv(self, argv: list[str]) -> None:
        os.nice(10)  # whoever sells on the same machine comes first
        super().run_from_argv(argv)

    def handle(
        self, *args: Any, before: date | None, dry_run: bool, batch: int, rate: int | None, **options: Any
    ) -> None:
        start = run.start_of(before) if before else _moment_by_settings()
        began = time.monotonic()
        try:
            mongo.prepare()
            with tqdm(total=run.count(start), unit=" orders", disable=None) as bar:
                outcome = run.archive_before(start, batch=batch, rate=rate, is_dry=dry_run, progress=bar.update)
            seconds = time.monotonic() - began
            if not dry_run:
                self._mark()
        except (DatabaseError, PyMongoError) as error:
            told = str(error).splitlines()[0][:300]
            raise CommandError(f"Stopped, nothing is lost, run it again to go on: {told}") from error
        except NotArchivable as error:
            raise CommandError(str(error)) from error
        self._report(outcome, "would be archived" if dry_run else f"archived in {seconds:.1f} s")
        if outcome.differing:
            sys.exit(1)

    def _mark(self) -> None:
        with tqdm(total=marks.count(), unit=" documents marked", disable=None) as bar:
            marks.drain(progress=bar.update)

    def _report(self, outcome: Outcome, done: str) -> None:
        for reasons in (outcome.waiting, outcome.differing):
            for order_id, why in sorted(reasons.items())[:SHOWN]:
                self.stdout.write(f"order {order_id} stays: {why}")
            if len(reasons) > SHOWN:
                self.stdout.write(f"and {len(reasons) - SHOWN:,} more")
        self.stdout.write(
            f"{outcome.archived:,} orders {done}; {len(outcome.waiting):,} stay for now, "
            f"{len(outcome.differing):,} stay because their document differs."
        )
        if outcome.differing:
            self.stdout.write("`manage.py reconcile --repair` mends documents; then run this again.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"“{text}” is no day; write it like 2024-01-31") from error


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _moment_by_settings() -> datetime:
    if not settings.ARCHIVE_AFTER_DAYS:
        raise CommandError("Say --before DATE, or set ARCHIVE_AFTER_DAYS.")
    return run.moment_by_settings()
