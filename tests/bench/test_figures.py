from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from history.rollups import build, shape
from history.rollups.placed import Placed
from tests.bench import figures
from tests.bench.figures import Figure
from tests.bench.scale.stub_rule import Stubs

ALONE = {"one": "make one", "two": "make two"}


@pytest.fixture
def page(tmp_path):
    return tmp_path / "benchmarks.md"


def test_a_measure_takes_the_place_of_what_the_page_said_of_it(page):
    figures.write({"two": [Figure("lag", "50 ms", "", 0.8, "at most 60 ms")]}, ALONE, "PostgreSQL 1", page=page)
    figures.write({"one": [Figure("saves", "9/s", "bare 10/s", 0.9)]}, ALONE, "PostgreSQL 1", page=page)
    figures.write({"two": [Figure("lag", "70 ms", "", 1.2, "at most 60 ms", False)]}, ALONE, "PostgreSQL 1", page=page)

    told = page.read_text()

    assert told.index("## one") < told.index("## two")
    assert "| saves | 9/s | bare 10/s | 0.90 |  |  |" in told
    assert "| lag | 70 ms |  | 1.20 | at most 60 ms | ✗ |" in told
    assert "50 ms" not in told
    assert told.count("Machine: ") == told.count("# Benchmarks\n") == 1
    assert f"{date.today():%Y-%m-%d}; alone: `make one`" in told  # noqa: DTZ011


def test_what_another_version_did_is_not_on_the_page(page):
    figures.write({"one": [Figure("saves", "9/s")]}, ALONE, "PostgreSQL 1", page=page)
    figures.write({"two": [Figure("lag", "50 ms")]}, ALONE, "PostgreSQL 2", page=page)

    told = page.read_text()

    assert "PostgreSQL 2" in told
    assert "PostgreSQL 1" not in told
    assert "saves" not in told


def test_a_text_is_put_between_its_marks(page):
    page.write_text("before\n<!-- live -->\nold\n<!-- /live -->\nafter <!-- other -->\n")

    figures.put("live", "new\n| \\1 |", page=page)

    assert page.read_text() == "before\n<!-- live -->\n\nnew\n| \\1 |\n\n<!-- /live -->\nafter <!-- other -->\n"
    with pytest.raises(AssertionError, match="no marks of stubs"):
        figures.put("stubs", "new", page=page)


def test_missed_limits_are_counted_and_said(capsys):
    missed = figures.show([Figure("lag", "70 ms", "", 1.2, "at most 60 ms", False), Figure("saves", "9/s")])

    assert missed == 1
    assert "70 ms → 1.20 (at most 60 ms)  MISSED" in capsys.readouterr().out


def test_columns_of_stubs_are_what_the_keeper_would_count():
    stubs = Stubs(date(2020, 1, 31), days=4, a_day=250)
    day, parts = stubs.day(1)

    placed = [_placed(stubs, n) for n in range(250, 500)]

    assert day == date(2020, 2, 1)
    assert {kind: parts[kind] for kind in (shape.ORDERS, shape.LINES)} == {
        kind: build.parts(placed)[kind] for kind in (shape.ORDERS, shape.LINES)
    }
    assert parts[shape.SUMS] == build.parts(placed)[shape.SUMS]
    assert build.parts(placed)[shape.DURATIONS] == parts[shape.DURATIONS]


def _placed(stubs: Stubs, n: int) -> Placed:
    """The order of a number, as its stub's SQL says it."""
    cents, status = 500 + n * 104729 % 40000, "cancelled" if n % 100 < 4 else "returned" if n % 100 < 6 else "delivered"
    products = [800_000_000 + n * 31 % 2000, 800_000_000 + (n * 31 + 7) % 2000][: 1 + n % 2]
    minutes, nth = 60 + n * 13 % 5000, n // stubs.users + 1
    is_counted = status == "delivered"
    first_day = date(2020, 1, 31).toordinal() + n % stubs.users // stubs.a_day
    month = date.fromordinal(first_day)
    at = np.datetime64("2020-01-31", "ms").astype(int) + (n // 250 * 86400 + n % 250 * 86400 // 250) * 1000
    return Placed(
        order_id=1_000_000_000 + n,
        user_id=100_000_000 + n * 7919 % stubs.users,
        status=status,
        cents=cents,
        created_at=int(at),
        product_ids=products,
        quantities=[1] * len(products),
        line_cents=[cents] if len(products) == 1 else [cents // 2, cents - cents // 2],
        to_paid=minutes,
        to_shipped=minutes,
        to_delivered=minutes,
        cohort=month.year * 100 + month.month if is_counted else None,
        is_first_of_month=is_counted,
        nth=nth if is_counted else None,
        is_soon=False,
        is_archived=True,
    )
