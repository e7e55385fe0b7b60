"""Files of documents, a line of canonical extended JSON each, so that every type of BSON survives; gzip by name (.gz).

They grow by whole pieces, each on the disk before the next: whatever dies, a later run finds where the last one ends.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO

import bson
from bson import json_util
from bson.errors import BSONError
from bson.json_util import JSONMode, JSONOptions

from core import private_files
from history.mirror.documents import Document
from history.mongo import CODEC

OPTIONS = JSONOptions(json_mode=JSONMode.CANONICAL, tz_aware=True, tzinfo=UTC)
AS_BYTES = "bson"
CHUNK = 1024 * 1024
GZIP = 16 + zlib.MAX_WBITS


class DamagedFile(Exception):
    """The file is not what was written; the message says where and what to do."""


def append(path: Path, documents: Iterable[Document]) -> None:
    """Add documents behind the last whole piece, as one piece, and return when the disk has it."""
    private_files.make_file(path)
    piece = "".join(f"{_line(document)}\n" for document in documents).encode()
    with path.open("ab") as file:
        file.write(gzip.compress(piece, compresslevel=6) if path.suffix == ".gz" else piece)
        file.flush()
        os.fsync(file.fileno())


def orders(path: Path) -> Iterator[Document]:
    """Yield the documents of all whole pieces, each with its order_id and digest; raises OSError or DamagedFile."""
    with path.open("rb") as file:
        for piece, end in _pieces(file, is_gzip=path.suffix == ".gz"):
            for line in piece.splitlines():
                document = _parse(line, path, end)
                if not (isinstance(document.get("order_id"), int) and isinstance(document.get("digest"), str)):
                    raise DamagedFile(f"{path} has a line before byte {end} that is no order's document.")
                yield document


def cut_torn_end(path: Path) -> None:
    """Take away what a run that died left of its last piece; raises OSError or DamagedFile."""
    with path.open("rb") as file:
        last = max((end for _, end in _pieces(file, is_gzip=path.suffix == ".gz")), default=0)
    os.truncate(path, last)


def _pieces(file: BinaryIO, *, is_gzip: bool) -> Iterator[tuple[bytes, int]]:
    """Each whole piece and where it ends in the file."""
    if is_gzip:
        yield from _members(file)
        return
    for line in iter(file.readline, b""):
        if line.endswith(b"\n"):
            yield line, file.tell()


def _members(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    decoder, parts, end = zlib.decompressobj(GZIP), [], 0
    unread = file.read(CHUNK)
    while unread:
        try:
            parts.append(decoder.decompress(unread))
        except zlib.error as error:
            raise DamagedFile(f"{file.name} is damaged behind byte {end}: {error}. Take another copy.") from error
        unread = decoder.unused_data
        if decoder.eof:
            end = file.tell() - len(unread)
            yield b"".join(parts), end
            decoder, parts = zlib.decompressobj(GZIP), []
        unread = unread or file.read(CHUNK)


def _line(document: Document) -> str:
    # Names such as $oid mean something in extended JSON: whoever has one in an address is kept as bytes.
    told = {AS_BYTES: bson.encode(document)} if _has_dollars(document) else document
    return json_util.dumps(told, json_options=OPTIONS)


def _has_dollars(value: Any) -> bool:
    if isinstance(value, dict):
        return any(name.startswith("$") or _has_dollars(each) for name, each in value.items())
    return isinstance(value, list) and any(map(_has_dollars, value))


def _parse(line: bytes, path: Path, end: int) -> Document:
    try:
        told = json_util.loads(line, json_options=OPTIONS)
        return bson.decode(told[AS_BYTES], CODEC) if told.keys() == {AS_BYTES} else told
    except (ValueError, TypeError, AttributeError, BSONError) as error:
        raise DamagedFile(f"{path} has a line before byte {end} that is no document: {error}.") from error
