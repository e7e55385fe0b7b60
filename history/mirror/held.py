"""What the mirror holds, whatever was done to it by hand. Source: MongoDB order_history, read as confirmed."""

from __future__ import annotations

from collections import defaultdict

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from history import mongo
from history.mirror.documents import Document

# Nothing that MongoDB can hold may keep the rest from being read: a time beyond Python's years stays a number.
CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
)
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)


def raw(wanted: Document) -> list[bytes]:
    """Return the documents whose order_id fits the condition, undecoded."""
    found = mongo.for_writing().with_options(codec_options=RAW).find({"order_id": wanted})
    return [bytes(document.raw) for document in found]


def decoded(document: bytes) -> Document:
    return bson.decode(document, CODEC)


def by_order(wanted: Document) -> dict[int, list[Document]]:
    """Return the documents whose order_id fits the condition, by order; more than one of an order is a fault."""
    found: dict[int, list[Document]] = defaultdict(list)
    for document in map(decoded, raw(wanted)):
        found[document["order_id"]].append(document)
    return found
