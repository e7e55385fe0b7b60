"""manage.py dump_archive: the backup of archived orders, whose documents in MongoDB are the only copies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pymongo.errors import PyMongoError
from tqdm import tqdm

from history.backup import dump, postgres
from history.backup.files import DamagedFile
from history.models import ArchivedOrder


class Command(BaseCommand):
    help = (
        "Write the documents of all archived orders into FILE (JSON Lines, gzip by .gz); one that is there already is "
        "only added to, and a run that died is taken up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--pg-dump", metavar="FILE", type=Path, help="Also dump PostgreSQL there, of the very same moment."
        )

    def handle(self, *args: Any, file: Path, pg_dump: Path | None, **options: Any) -> None:
        def beside(snapshot: str) -> None:
            if pg_dump:
                postgres.dump(pg_dump, snapshot=snapshot)
                self.stdout.write(f"{pg_dump}: PostgreSQL is dumped.")

        try:
            with tqdm(total=ArchivedOrder.objects.count(), unit=" orders", disable=None) as bar:
                done = dump.dump(file, beside=beside, progress=bar.update)
        except (OSError, DamagedFile, postgres.DumpFailed, PyMongoError) as error:
            raise CommandError(f"The backup is not complete: {str(error)[:500]} Run it again, it goes on.") from error
        for order_id, why in done.bad.items():
            self.stderr.write(f"archived order {order_id}: {why}")
        self.stdout.write(f"{file}: {done.written:,} archived orders added to {done.there:,}, {len(done.bad):,} bad.")
        if done.bad:
            sys.exit(1)
