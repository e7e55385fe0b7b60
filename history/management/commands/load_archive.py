"""manage.py load_archive: archived orders back into MongoDB, out of a file of dump_archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pymongo.errors import PyMongoError
from tqdm import tqdm

from history.backup import load
from history.backup.files import DamagedFile


class Command(BaseCommand):
    help = "Write the documents of archived orders that MongoDB lacks out of FILE; run it as often as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            with tqdm(unit=" orders", disable=None) as bar:
                done = load.load(file, progress=bar.update)
        except (OSError, DamagedFile, PyMongoError) as error:
            raise CommandError(f"Not all is loaded: {str(error)[:500]} Run it again then.") from error
        self.stdout.write(
            f"{done.written:,} documents written, {done.there:,} were there, {done.not_archived:,} lines are of orders "
            f"that are not archived as they stand there; {done.missing:,} archived orders are not in {file}."
        )
        if done.missing:
            sys.exit(1)
