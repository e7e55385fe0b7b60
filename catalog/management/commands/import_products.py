"""manage.py import_products: work on the files of products that were uploaded, until told to stop."""

from __future__ import annotations

from typing import Any

from catalog.product_work import Importer
from config.working import Service


class Command(Service):
    help = "Import the files of products uploaded in the back office, until stopped (SIGTERM); any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        self.serve(Importer(), name="import", waits_for="files of products")
