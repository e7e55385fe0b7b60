"""One rule for the number of a page, in every list."""

import pytest

from core.pagination import page_of

ROWS = list(range(50))


@pytest.mark.parametrize("asked", ["2", "02", "+2", " 2", "2 ", "0002", "٢", "２"])
def test_what_means_two_is_the_second_page(asked):
    page, notes = page_of(ROWS, asked, 20)

    assert (page.number, notes) == (2, [])


@pytest.mark.parametrize("asked", [None, "", " ", "1", "01"])
def test_without_a_number_it_is_the_first(asked):
    page, notes = page_of(ROWS, asked, 20)

    assert (page.number, notes) == (1, [])


@pytest.mark.parametrize("asked", ["4", "04", "99", "9" * 90])
def test_beyond_the_last_it_is_the_last_and_says_so(asked):
    page, notes = page_of(ROWS, asked, 20)

    assert page.number == 3
    assert notes == [f"There is no page {asked[:10]}: this is the last one, 3."]


@pytest.mark.parametrize("asked", ["0", "00", "-1", "2.0", "2,0", "1e3", "2_0", "0x2", "²", "abc", "\x00", "9" * 5000])
def test_anything_else_is_no_page_number(asked):
    page, notes = page_of(ROWS, asked, 20)

    assert page.number == 1
    assert len(notes) == 1
    assert "is no page number" in notes[0]
