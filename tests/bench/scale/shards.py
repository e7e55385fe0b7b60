"""How evenly the keys that `order_history` could be sharded by would spread documents and today's writes.

Keys are hashed by MD5, as MongoDB's hashed indexes are; shards own equal ranges of its first eight bytes.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator

from history.mirror.documents import document_id
from tests.bench.figures import Figure

SHARDS = 8
# Of all orders, those whose documents are still being written.
CURRENT = 0.01
SEED = 1


def measured(orders: int) -> Iterator[Figure]:
    """The fullest of the shards beside an even share, of all documents and of those being written."""
    chance = random.Random(SEED)
    # As generated orders have it, and most shops: some customers order much more than others.
    customers = [int(orders / 5 * chance.random() ** 2) for _ in range(orders)]
    keys: dict[str, Callable[[int], int]] = {
        "`_id` hashed": lambda number: _hashed(document_id(number).binary),
        "`user_id` hashed": lambda number: _hashed(customers[number].to_bytes(8, "little")),
        "`created_at` or `order_id`, ranges": lambda number: number * SHARDS // orders,
    }
    newest = int(orders * (1 - CURRENT))
    for name, shard_of in keys.items():
        fullest, busiest = _fullest(shard_of, range(orders)), _fullest(shard_of, range(newest, orders))
        what = f"{name}: the fullest of {SHARDS} shards of {orders:,} documents"
        yield Figure(what, f"{fullest:.3f} of an even share", f"of the writes of now {busiest:.2f}", fullest)


def _hashed(value: bytes) -> int:
    digest = hashlib.md5(value, usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little") * SHARDS >> 64


def _fullest(shard_of: Callable[[int], int], numbers: range) -> float:
    counts = Counter(shard_of(number) for number in numbers)
    return max(counts.values()) * SHARDS / len(numbers)
