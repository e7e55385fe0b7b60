"""What a product was when it was exported, as a cell of the file that people leave as it is.

With it an import changes only what differs from what the export showed: a file that is older than the product undoes
neither sales nor what colleagues did. The cell has the time, the stock and a digest of each column.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.models import Product

COMPARED = ("name", "category", "price", "is_active", "attributes", "description")
DIGEST_LENGTH = 6
TIME = "%Y%m%dT%H%M%S%fZ"
CELL = re.compile(
    rf"(?P<at>[0-9]{{8}}T[0-9]{{12}}Z)-(?P<stock>[0-9]{{1,10}})-(?P<digests>([0-9a-f]{{{DIGEST_LENGTH}}}){{7}})"
)


@dataclass(frozen=True)
class Exported:
    """digests: of the SKU, then of each column."""

    at: datetime
    stock: int
    digests: dict[str, str]

    def is_of(self, sku: str) -> bool:
        return self.digests["sku"] == _digest(sku, sku)

    def has(self, product: Product, name: str, value: Any) -> bool:
        """Return whether the export showed this value in this column."""
        return self.digests[name] == _digest(product.sku, _said(name, value))


def cell(product: Product, *, at: datetime) -> str:
    """Return the cell for a product as it is; at: aware datetime."""
    said = [product.sku, *(_said(name, getattr(product, name)) for name in COMPARED)]
    digests = "".join(_digest(product.sku, each) for each in said)
    return f"{at.astimezone(UTC):{TIME}}-{product.stock}-{digests}"


def parse(text: str) -> Exported | None:
    """Return what a cell says, None for an empty one. Raises ValueError."""
    if not text.strip():
        return None
    found = CELL.fullmatch(text.strip())
    if found is None:
        raise ValueError("is not as it was exported. Leave it as it is, or clear it.")
    parts = re.findall(f".{{{DIGEST_LENGTH}}}", found["digests"])
    at = datetime.strptime(found["at"], TIME).replace(tzinfo=UTC)
    return Exported(at, int(found["stock"]), dict(zip(("sku", *COMPARED), parts, strict=True)))


def _said(name: str, value: Any) -> str:
    if name == "category":
        return str(value and value.pk)
    if isinstance(value, str):
        return "\n".join(value.splitlines())  # spreadsheets have one line break of their own
    return f"{value:.2f}" if name == "price" else json.dumps(value, sort_keys=True)


def _digest(sku: str, said: str) -> str:
    # Of the SKU too: a cell that was moved to another line fits nothing there.
    return hashlib.sha256(f"{sku}\0{said}".encode(errors="surrogatepass")).hexdigest()[:DIGEST_LENGTH]
