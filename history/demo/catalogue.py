"""What the demo shop sells: ten products in each of six categories."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class DemoProduct:
    sku: str
    category: str
    name: str
    price: Decimal
    stock: int
    description: str
    attributes: dict[str, Any]


def products() -> list[DemoProduct]:
    """Return the sixty products, category by category."""
    rows: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        DemoProduct(**row | {"category": category, "price": Decimal(row["price"])})
        for category, listed in rows.items()
        for row in listed
    ]
