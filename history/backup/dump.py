"""Archived orders into a file: their documents are the only copies, so this is their backup.

What belongs into it is told by the stubs of one moment (a snapshot), at which PostgreSQL can be dumped too; a document
never changes while it is archived, so a file that is there already is only added to.
Source: PostgreSQL archived_orders; MongoDB order_history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection

from core import private_files
from history.backup import files
from history.mirror import held, source
from history.mirror.documents import UNBUILDABLE, Document, digest, document_id
from history.mirror.writer import chosen
from history.models import ArchivedOrder

# Orders of one piece of the file.
BATCH = 500

Stub = tuple[int, str]


@dataclass
class Dumped:
    """there: orders that the file had already; written: those added; bad: why others are not in it, by order."""

    there: int = 0
    written: int = 0
    bad: dict[int, str] = field(default_factory=dict)


def dump(
    path: Path,
    *,
    beside: Callable[[str], object] = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
) -> Dumped:
    """Bring the file up to all archived orders there are; each is written only where it is what its stub says.

    beside: called first, with the snapshot's name, for a dump of PostgreSQL of the very same moment.
    Raises OSError, files.DamagedFile, or PyMongoError; run it again then, and it goes on.
    """
    known = _known(path)
    done = Dumped()
    with source.snapshot():
        beside(_exported())
        for stubs in _batches():
            missing = [(order_id, sha256) for order_id, sha256 in stubs if known.get(order_id) != sha256]
            done.there += len(stubs) - len(missing)
            if sound := list(_sound(missing, done.bad)):
                files.append(path, sound)
            done.written += len(sound)
            progress(len(stubs))
    return done


def _known(path: Path) -> dict[int, str]:
    """The digest of the last document of each order in the file, which is made if it is not there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_files.make_file(path)
    files.cut_torn_end(path)
    return {document["order_id"]: document["digest"] for document in files.orders(path)}


def _exported() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        return str(cursor.fetchone()[0])


def _batches() -> Iterator[list[Stub]]:
    stubs, last = ArchivedOrder.objects.order_by("order_id").values_list("order_id", "sha256"), -(2**63)
    while batch := list(stubs.filter(order_id__gt=last)[:BATCH]):
        yield batch
        last = batch[-1][0]


def _sound(stubs: list[Stub], bad: dict[int, str]) -> Iterator[Document]:
    found: dict[int, list[Document]] = {}
    for wanted in chosen([order_id for order_id, _ in stubs]):
        found |= held.by_order(wanted)
    for order_id, sha256 in stubs:
        documents = found.get(order_id, [])
        sound = next((document for document in documents if is_sound(document, order_id, sha256)), None)
        if sound:
            yield sound
        else:
            bad[order_id] = "its document is not what its stub says" if documents else "its document is missing"


def is_sound(document: Document, order_id: int, sha256: str) -> bool:
    """Whether this is the order's document, byte for byte what its stub says."""
    try:
        return bool(document["_id"] == document_id(order_id) and digest(document) == sha256)
    except UNBUILDABLE:  # by hand MongoDB can be given what its client cannot write
        return False
