"""Rows of a report that are made when they are looked at."""

from __future__ import annotations

import pytest

from history.reports.rows import Rows

PRICES = {1: 5, 2: 7, 3: 5}


@pytest.fixture
def made() -> list[int]:
    return []


@pytest.fixture
def rows(made) -> Rows:
    def make(stub: int) -> dict[str, int]:
        made.append(stub)
        return {"key": stub, "price": PRICES[stub], "stock": -stub}

    return Rows([3, 1, 2], make, {"key": lambda stub: stub, "price": PRICES.__getitem__})


def keys(rows) -> list[int]:
    return [row["key"] for row in rows]


def test_sorting_makes_none_and_a_page_makes_its_own(rows, made):
    rows.sort("price", int, falling=True)

    assert len(rows) == 3
    assert made == []
    assert keys(rows[:2]) == [2, 1]
    assert made == [2, 1]


def test_ties_go_by_key_whichever_way_is_sorted(rows):
    rows.sort("price", int, falling=False)
    rising = keys(rows)
    rows.sort("price", int, falling=True)

    assert rising == [1, 3, 2]
    assert keys(rows) == [2, 1, 3]


def test_a_column_without_values_is_sorted_by_the_rows(rows):
    rows.sort("stock", int, falling=False)

    assert keys(rows) == [3, 2, 1]


def test_what_is_done_to_a_row_stays(rows):
    rows[0]["name"] = "Pencil"

    assert [row.get("name") for row in rows] == ["Pencil", None, None]
