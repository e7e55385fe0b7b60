"""Which orders generated stubs are of: the same rule once as SQL, for their rows, and once as columns, for the rollups.

Of a hundred four are cancelled, two returned, the others delivered. Customers order in the same turn again and again;
who, what and how much lie far apart and follow from an order's number alone. A day is one in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from history.rollups import shape
from history.rollups.build import Parts
from history.rollups.shape import CODES

FIRST_ORDER, FIRST_USER, FIRST_PRODUCT = 1_000_000_000, 100_000_000, 800_000_000
PRODUCTS = 2_000
ORDERS_OF_A_USER = 5
CANCELLED, RETURNED = 4, 6

WRITE = f"""
INSERT INTO archived_orders (order_id, user_id, created_at, total_amount, status, rev, sha256, product_ids,
    archived_at, is_marked, latest_at)
SELECT {FIRST_ORDER} + n, {FIRST_USER} + n * 7919 %% %(users)s, placed_at, (500 + n * 104729 %% 40000) / 100.0,
    CASE WHEN n %% 100 < {CANCELLED} THEN 'cancelled' WHEN n %% 100 < {RETURNED} THEN 'returned' ELSE 'delivered' END,
    4, encode(sha256(int8send(n)), 'hex'),
    CASE WHEN n %% 2 = 0 THEN ARRAY[{FIRST_PRODUCT} + n * 31 %% {PRODUCTS}]
        ELSE ARRAY[{FIRST_PRODUCT} + n * 31 %% {PRODUCTS}, {FIRST_PRODUCT} + (n * 31 + 7) %% {PRODUCTS}] END,
    placed_at + interval '100 days', true, placed_at + interval '10 days'
FROM (
    SELECT n, %(first)s::timestamptz + n / %(a_day)s * interval '1 day'
        + n %% %(a_day)s * 86400 / %(a_day)s * interval '1 second' AS placed_at
    FROM generate_series(0::bigint, %(stubs)s - 1) n
) numbered
"""

Column = NDArray[np.int64] | NDArray[np.uint8]


@dataclass(frozen=True)
class Stubs:
    """a_day: orders of each day, from the first one on."""

    first: date
    days: int
    a_day: int

    @property
    def count(self) -> int:
        return self.days * self.a_day

    @property
    def users(self) -> int:
        return max(self.count // ORDERS_OF_A_USER, 1)

    def parameters(self) -> dict[str, object]:
        """For WRITE."""
        first = datetime.combine(self.first, datetime.min.time(), UTC)
        return {"stubs": self.count, "users": self.users, "first": first, "a_day": self.a_day}

    def day(self, number: int) -> tuple[date, Parts]:
        """What the rollups say of the day of this number."""
        n = np.arange(number * self.a_day, (number + 1) * self.a_day, dtype=np.int64)
        orders = self._orders(n)
        statuses = orders["statuses"]
        counted = n[statuses == CODES["delivered"]]
        return self.first + timedelta(days=number), {
            shape.SUMS: [{"statuses": _pack(_sums(orders)), "cohorts": _pack(self._cohorts(counted))}],
            shape.DURATIONS: [_packed(_durations(n, statuses))],
            shape.ORDERS: [{"more": 0} | _packed(orders)],
            shape.LINES: [{"more": 0} | _packed(_lines(n, orders))],
        }

    def _orders(self, n: NDArray[np.int64]) -> dict[str, Column]:
        first = int(datetime.combine(self.first, datetime.min.time(), UTC).timestamp())
        kinds = [CODES["cancelled"], CODES["returned"]]
        return {
            "order_ids": FIRST_ORDER + n,
            "user_ids": FIRST_USER + n * 7919 % self.users,
            "statuses": np.select([n % 100 < CANCELLED, n % 100 < RETURNED], kinds, CODES["delivered"]).astype("u1"),
            "cents": 500 + n * 104729 % 40000,
            "units": 1 + n % 2,
            "created_at": (first + n // self.a_day * 86400 + n % self.a_day * 86400 // self.a_day) * 1000,
        }

    def _cohorts(self, n: NDArray[np.int64]) -> NDArray[np.int64]:
        """By month of the customer's first order: active, new, second, second soon."""
        months = (np.datetime64(self.first, "D") + n % self.users // self.a_day).astype("datetime64[M]").astype(int)
        names = (1970 + months // 12) * 100 + months % 12 + 1
        nth = n // self.users
        return np.array(
            [
                [month, (names == month).sum(), (nth[names == month] == 0).sum(), (nth[names == month] == 1).sum(), 0]
                for month in np.unique(names)
            ],
            dtype=np.int64,
        )


def _lines(n: NDArray[np.int64], orders: dict[str, Column]) -> dict[str, Column]:
    of = np.repeat(np.arange(len(n)), orders["units"])
    is_second = np.diff(of, prepend=-1) == 0
    first_half = (orders["cents"] // orders["units"])[of]
    return {
        "order_ids": orders["order_ids"][of],
        "product_ids": FIRST_PRODUCT + (n[of] * 31 + 7 * is_second) % PRODUCTS,
        "statuses": orders["statuses"][of],
        "quantities": np.ones(len(of), dtype=np.int64),
        "cents": np.where(is_second, orders["cents"][of] - first_half, first_half),
    }


def _durations(n: NDArray[np.int64], statuses: Column) -> dict[str, Column]:
    return {
        name: column
        for step in shape.STEPS
        for name, column in ((step, 60 + n * 13 % 5000), (f"{step}_statuses", statuses))
    }


def _sums(orders: dict[str, Column]) -> NDArray[np.int64]:
    """By code of status: orders, units, cents, oldest created_at."""
    rows = []
    for code in np.unique(orders["statuses"]):
        chosen = orders["statuses"] == code
        sums = [orders[name][chosen].sum() for name in ("units", "cents")]
        rows.append([code, chosen.sum(), *sums, orders["created_at"][chosen].min()])
    return np.array(rows, dtype=np.int64)


def _packed(columns: dict[str, Column]) -> dict[str, bytes]:
    return {name: _pack(column) for name, column in columns.items()}


def _pack(column: Column) -> bytes:
    return column.astype("u1" if column.dtype == np.uint8 else "<i8").tobytes()
