"""The guarded writes of days that were counted: none gives way to a lower version, whoever sends it and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pymongo import ReplaceOne, UpdateOne

from history.mongo import Document
from history.rollups import shape
from history.rollups.build import Parts

Operation = ReplaceOne[Document] | UpdateOne


def operations(counted: Mapping[date, Parts], version: int) -> dict[str, Operation]:
    """Return by `_id` what writes these days; a duplicate key says that MongoDB has this version or a higher one."""
    found: dict[str, Operation] = {}
    for kind in shape.MONTHLY:
        for days in _by_month(counted).values():
            found[shape.document_id(kind, days[0])] = _into_month(kind, days, counted, version)
    for kind in shape.DAILY:
        for day, parts in counted.items():
            for piece, content in enumerate(parts[kind]):
                document = _identity(kind, day, piece) | content | {"version": version}
                guard = {"_id": document["_id"], "version": {"$lt": version}}
                found[document["_id"]] = ReplaceOne(guard, document, upsert=True)
    return found


def version_of(document: Document) -> int:
    """The highest version in a document."""
    versions: list[int] = [day["version"] for day in document.get("days", {}).values()]
    return max(versions) if versions else int(document["version"])


def _into_month(kind: str, days: list[date], counted: Mapping[date, Parts], version: int) -> UpdateOne:
    contents = {f"days.{shape.key_of(day)}": counted[day][kind][0] | {"version": version} for day in days}
    guard = {f"{path}.version": {"$not": {"$gte": version}} for path in contents}
    identity = _identity(kind, days[0])
    return UpdateOne({"_id": identity.pop("_id")} | guard, {"$set": contents, "$setOnInsert": identity}, upsert=True)


def _identity(kind: str, day: date, piece: int = 0) -> Document:
    return {"_id": shape.document_id(kind, day, piece)} | shape.found_by(kind, day, piece)


def _by_month(days: Mapping[date, Parts]) -> dict[str, list[date]]:
    months: dict[str, list[date]] = {}
    for day in days:
        months.setdefault(f"{day:%Y-%m}", []).append(day)
    return months
