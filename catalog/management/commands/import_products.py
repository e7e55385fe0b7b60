"""manage.py import_products: work on the files of products that were uploaded, until told to stop."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from catalog.product_work import Worker


class Command(BaseCommand):
    help = "Import the files of products uploaded in the back office, until stopped (SIGTERM); any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        self.stdout.write("import: waiting for files of products")
        worker.run()
        self.stdout.write("import: stopped")
