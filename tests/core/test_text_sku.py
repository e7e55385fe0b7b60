"""One spelling of each SKU."""

from __future__ import annotations

import pytest

from core.text import has_control_characters, normalize_sku, similar_sku


@pytest.mark.parametrize(
    "text",
    ["K 108", " K 108", "K 108\t", "K\u00a0108", "K  108", "K\u2009\u3000108 ", "K\u200b 108\ufeff", "K 1\u00ad08\r\n"],
)
def test_spellings_that_look_the_same_are_one(text):
    assert normalize_sku(text) == "K 108"


def test_case_and_zeros_make_a_difference_that_people_are_warned_of():
    assert len({normalize_sku(text) for text in ("k-108", "K-108", "0K-108")}) == 3
    assert {similar_sku(text) for text in ("k-108", "K-1 08", "00K-108", "K-108 ")} == {"k-108"}


@pytest.mark.parametrize("text", ["K\t108", "K\n108", "K\x00", "K\x85108", "K\ud800"])
def test_control_characters_are_seen(text):
    assert has_control_characters(normalize_sku(text))
