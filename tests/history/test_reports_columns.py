"""What is counted in columns is what counting row by row says."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from history.reports import definitions
from history.reports.numbers import MOST, Groups, among, chosen, numbers

KEYS = st.integers(1, 5) | st.integers(-MOST, MOST)
ROWS = st.lists(st.tuples(KEYS, st.integers(0, 3) | st.integers(-MOST, MOST), st.integers(1, 4)))


def column(values) -> object:
    return numbers(array("q", values))


@given(ROWS)
def test_groups_are_counted_summed_and_compared_exactly(rows):
    # Rows of an order lie together.
    rows = sorted(rows, key=lambda row: row[2])
    values, orders = defaultdict(list), defaultdict(set)
    for key, value, order in rows:
        values[key].append(value)
        orders[key].add(order)

    groups = Groups(column([key for key, _, _ in rows]))
    summed = column([value for _, value, _ in rows])

    assert groups.counts() == Counter(key for key, _, _ in rows)
    assert groups.sums(summed) == {key: sum(each) for key, each in values.items()}
    assert groups.least(summed) == {key: min(each) for key, each in values.items()}
    assert groups.most(summed) == {key: max(each) for key, each in values.items()}
    assert groups.differing(column([order for _, _, order in rows])) == {key: len(each) for key, each in orders.items()}


def test_sums_beyond_64_bits_are_exact():
    assert Groups(column([7, 7, 8])).sums(column([MOST, MOST, 1])) == {7: 2 * MOST, 8: 1}


def test_the_same_order_number_on_two_days_is_two_runs():
    assert Groups(column([7, 7, 7])).differing(column([1, 2, 2])) == {7: 2}


@given(st.lists(KEYS), st.lists(KEYS), st.binary())
def test_rows_are_chosen_by_value_and_by_flag(values, wanted, flags):
    assert among(column(values), wanted).tolist() == [value in wanted for value in values]
    assert chosen(bytes(flag % 2 for flag in flags)).tolist() == [bool(flag % 2) for flag in flags]


@given(st.lists(st.integers(-10_000, 10_000)))
def test_percentiles_are_the_smallest_value_that_so_many_do_not_exceed(values):
    def plainly(percent):
        reached = [
            value for value in sorted(values) if 100 * sum(each <= value for each in values) >= percent * len(values)
        ]
        return reached[0] if reached else None

    p50, p90 = definitions.percentiles(column(values), (50, 90))

    assert (p50, p90) == (plainly(50), plainly(90))
    # Hours are shown in tenths: the percentile of the tenths is the tenth of the percentile.
    if values:
        tenths = sorted(definitions.tenths(value, 60) for value in values)
        assert definitions.tenths(p50, 60) == tenths[-(-len(values) * 50 // 100) - 1]
        assert isinstance(definitions.tenths(p90, 60), Decimal)
