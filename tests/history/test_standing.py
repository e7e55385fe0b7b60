"""An order of the past is what it was: every look back equals what was read at that moment."""

from __future__ import annotations

import pytest

from tests.history.order_snapshots import differing

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_look_back_shows_what_was_there_at_that_moment(mirror):
    compared, others = differing(orders=40, moments=10, steps=12, seed=5)

    assert compared > 400
    assert others == []
