"""Comparing what MongoDB holds of an order with what it should hold: the function of its rows, or its stub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bson import Decimal128

from history.mirror.documents import UNBUILDABLE, Document, digest, document_id, milliseconds
from history.models import ArchivedOrder

# Set by the archive, not by the function of the rows.
MARK = "archived_at"
STUB_MISSING = "PostgreSQL has no stub of it, only its document says that it is archived"


@dataclass(frozen=True)
class Difference:
    """One order that differs; what names each field ("total_amount: 150.00, mirror has 150.01") or the document.

    is_archived: the order's document is the only copy, so nothing here can mend it.
    is_stub_missing: the document says that it is archived, and PostgreSQL knows nothing of the order.
    """

    order_id: int
    what: list[str]
    mirror_rev: int = 0
    is_archived: bool = False
    is_stub_missing: bool = False

    @property
    def is_marked(self) -> bool:
        """Whether the mark is wrong, among other things: the document of a live order says that it is archived."""
        return any(what.startswith(f"{MARK}:") for what in self.what)

    @property
    def is_mark_only(self) -> bool:
        """Whether the document has all that it should, and only does not say rightly since when it is archived."""
        return all(what.startswith(f"{MARK}:") for what in self.what)

    @property
    def has_other_refunds(self) -> bool:
        return any(what.startswith("refunds") for what in self.what)

    def __str__(self) -> str:
        return f"{'archived ' if self.is_archived else ''}order {self.order_id}: {'; '.join(self.what)}"


def compare(order_id: int, expected: Document | None, held: list[Document]) -> Difference | None:
    """Return how the documents held for an order differ from the one expected, None where they are equal."""
    if expected is None and any(document.get(MARK) is not None for document in held):
        return Difference(order_id, [STUB_MISSING], highest_rev(held), is_archived=True, is_stub_missing=True)
    if expected is None:
        return Difference(order_id, ["PostgreSQL knows no such order"], highest_rev(held)) if held else None
    if not held:
        return Difference(order_id, ["missing in the mirror"])
    what = [f"{len(held)} documents"] if len(held) > 1 else []
    what += _field_differences(expected, _own(order_id, held))
    return Difference(order_id, what, highest_rev(held)) if what else None


def compare_archived(stub: ArchivedOrder, held: list[Document], *, is_live: bool = False) -> Difference | None:
    """Return how the documents held for an archived order differ from its stub, None where they are equal.

    is_live: PostgreSQL has the order's rows as well.
    """
    what = ["still in PostgreSQL as well"] if is_live else []
    if not held:
        what.append("missing in the mirror")
    else:
        what += [f"{len(held)} documents"] if len(held) > 1 else []
        what += _stub_differences(stub, _own(stub.order_id, held))
    return Difference(stub.order_id, what, highest_rev(held), is_archived=True) if what else None


def summary(differences: Iterable[Difference]) -> list[tuple[str, int]]:
    """Return in how many orders each field or document differs, the most frequent first."""
    counted: Counter[str] = Counter()
    for difference in differences:
        counted.update({re.split(r"[\[.:]", what)[0] for what in difference.what})
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def highest_rev(held: list[Document]) -> int:
    """The highest revision of several documents, 0 where none has one."""
    revs = (document.get("rev") for document in held)
    return max((rev for rev in revs if isinstance(rev, int)), default=0)


def _own(order_id: int, held: list[Document]) -> Document:
    """The document under the order's own `_id`, or the first of the others."""
    own = document_id(order_id) if order_id >= 0 else None
    return next((document for document in held if document["_id"] == own), held[0])


def _field_differences(expected: Document, held: Document) -> list[str]:
    found = {
        path: f"{path}: {_shown(wanted)}, mirror has {_shown(has)}" for path, wanted, has in _walk("", expected, held)
    }
    if not found and not _fits(held, held.get("digest")):  # such as a number stored as another type of number
        return ["digest does not fit the content"]
    if len(found) > 1:
        found.pop("digest", None)  # says no more than the fields that were named
    return list(found.values())


def _stub_differences(stub: ArchivedOrder, held: Document) -> list[str]:
    wanted: Document = {
        "_id": document_id(stub.order_id),
        "order_id": stub.order_id,
        "user_id": stub.user_id,
        "created_at": milliseconds(stub.created_at),
        "total_amount": Decimal128(stub.total_amount),
        "status": stub.status,
        "rev": stub.rev,
        "digest": stub.sha256,
    }
    if stub.is_marked:
        wanted[MARK] = milliseconds(stub.archived_at)
    what = [
        f"{name}: {_shown(value)}, mirror has {_shown(held.get(name, _MISSING))}"
        for name, value in wanted.items()
        if held.get(name, _MISSING) != value
    ]
    if not _fits(held, stub.sha256):
        what.append("digest of the stub does not fit the content")
    return what


def _fits(held: Document, sha256: object) -> bool:
    try:
        return digest(held) == sha256
    except UNBUILDABLE:  # by hand MongoDB can be given what its client cannot write
        return False


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
