"""Comparing what MongoDB holds of an order with what the function of its rows says it should hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from history.mirror.documents import Document, digest

# Set by the archive, not by the function of the rows.
NOT_COMPARED = ("archived_at",)


@dataclass(frozen=True)
class Difference:
    """One order that differs; what names each field ("total_amount: 150.00, mirror has 150.01") or the document."""

    order_id: int
    what: list[str]
    mirror_rev: int = 0

    def __str__(self) -> str:
        return f"order {self.order_id}: {'; '.join(self.what)}"


def compare(order_id: int, expected: Document | None, held: list[Document]) -> Difference | None:
    """Return how the documents held for an order differ from the one expected, None where they are equal."""
    highest = max((_rev(document) for document in held), default=0)
    if expected is None:
        return Difference(order_id, ["PostgreSQL knows no such order"], highest) if held else None
    if not held:
        return Difference(order_id, ["missing in the mirror"])
    if len(held) == 1 and {**held[0], "archived_at": None} == expected:
        return None  # nearly always; the digest is part of it
    what = []
    if len(held) > 1:
        what.append(f"{len(held)} documents")
    own = next((document for document in held if document["_id"] == expected["_id"]), held[0])
    what += _field_differences(expected, own)
    return Difference(order_id, what, highest) if what else None


def _field_differences(expected: Document, held: Document) -> list[str]:
    found = [
        f"{path}: {_shown(wanted)}, mirror has {_shown(has)}"
        for path, wanted, has in _walk("", expected, held)
        if path not in NOT_COMPARED
    ]
    if not found and digest(held) != held.get("digest"):  # such as a number stored as another type of number
        found.append("digest does not fit the content")
    return found


_MISSING = object()


def _walk(path: str, wanted: Any, has: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(wanted, dict) and isinstance(has, dict):
        for key in [*wanted, *(key for key in has if key not in wanted)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _walk(below, wanted.get(key, _MISSING), has.get(key, _MISSING))
    elif isinstance(wanted, list) and isinstance(has, list):
        for index in range(max(len(wanted), len(has))):
            yield from _walk(
                f"{path}[{index}]",
                wanted[index] if index < len(wanted) else _MISSING,
                has[index] if index < len(has) else _MISSING,
            )
    elif wanted != has:
        yield path, wanted, has


def _shown(value: Any) -> str:
    return "nothing" if value is _MISSING else str(value)[:80]


def _rev(document: Document) -> int:
    rev = document.get("rev")
    return rev if isinstance(rev, int) else 0
