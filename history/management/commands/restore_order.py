"""manage.py restore_order ID...: bring archived orders back into PostgreSQL, every column as it was."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from pymongo.errors import PyMongoError
from tqdm import tqdm

from history.archive import back


class Command(BaseCommand):
    help = "Bring archived orders back into PostgreSQL; exit 1 where one cannot come back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order_ids", metavar="ID", type=int, nargs="+")

    def handle(self, *args: Any, order_ids: list[int], **options: Any) -> None:
        refused = []
        try:
            for order_id in tqdm(order_ids, unit=" orders", disable=None):
                try:
                    back.restore(order_id, by=None, at=timezone.now())
                except (back.NotArchived, back.NotRestorable) as error:
                    refused.append(str(error))
        except (DatabaseError, PyMongoError) as error:
            told = str(error).splitlines()[0][:300]
            raise CommandError(
                f"Stopped at order {order_id}, nothing is lost, run it again to go on: {told}"
            ) from error
        for problem in refused:
            self.stderr.write(problem)
        self.stdout.write(f"{len(order_ids) - len(refused):,} orders restored.")
        if refused:
            sys.exit(1)
