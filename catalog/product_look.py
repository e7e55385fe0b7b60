"""Looking at a file of products before it is imported: what each line would change, and which are bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import product_file
from catalog.models import ProductSheet, SheetState
from catalog.product_damage import Warnings
from catalog.product_file import BadLine, Change
from catalog.product_sheets import BATCH, TOLD, Claim

LONGEST = 100  # characters of a value that is kept to be shown


@dataclass
class Found:
    """What a look came to; told: the first changes, lines: the first bad lines, as JSON.

    old: lines with the stock of before sales. warnings: as product_damage.Warnings.kinds. stock: "other" if chosen.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0
    old: int = 0
    is_export: bool = False
    warnings: dict[str, Any] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, changes: Sequence[Change], bad: Sequence[BadLine]) -> None:
        some = [each for each in changes if not each.is_none]
        added = sum(each.is_new for each in some)
        self.added += added
        self.changed += len(some) - added
        self.unchanged += len(changes) - len(some)
        self.bad += len(bad)
        self.old += sum(each.is_old for each in changes)
        self.is_export |= any(each.was_exported for each in changes)
        self.told += [_told(each) for each in some[: TOLD - len(self.told)]]
        self.lines += [each.shown() for each in bad[: TOLD - len(self.lines)]]


def look(claim: Claim) -> None:
    """Find what a file would change, which makes it ready to be confirmed. Raises CsvError, Superseded, Stopped."""
    text = ProductSheet.objects.values_list("text", flat=True).get(pk=claim.sheet_id)
    reader, found, began = product_file.Reader(), Found(), timezone.now()
    seen: dict[int, list[Any] | None] = {}
    warnings = Warnings()
    for lines in product_file.batches(text, BATCH):
        changes, bad = reader.read(lines)
        found.add(changes, bad)
        warnings.look(changes, bad)
        for each in changes:
            if not each.is_none or each.other_delta:
                seen[each.line] = None if each.is_new else [each.product.pk, each.mark, each.delta, each.other_delta]
        with transaction.atomic():
            claim.hold()
            claim.go_on(done=lines.upto)
    with transaction.atomic():
        claim.hold()
        found.warnings = warnings.kinds
        claim.rows.update(state=SheetState.READY, seen=seen, found=asdict(found), read_at=began, due_at=None)


def _told(change: Change) -> dict[str, Any]:
    product = change.product
    return {
        "line": change.line,
        "name": product.name,
        "sku": product.sku,
        "price": str(product.price) if change.is_new else None,
        "changes": {
            name: ["none" if value is None else str(value)[:LONGEST] for value in pair]
            for name, pair in change.changes.items()
        },
        "delta": change.delta,
    }
