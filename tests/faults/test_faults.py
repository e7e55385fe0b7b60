"""The short form of `make faults`: at least 60 kills while the shop works, and nothing lost, invented or doubled."""

from __future__ import annotations

import pytest

from tests.faults.short_forms import run


@pytest.mark.timeout(240)
def test_sixty_kills_lose_nothing_and_invent_nothing():
    figures = run("tests.faults", "--kills", "60", "--seconds", "150", "--json")

    assert figures["kills"] >= 60
    assert figures["in flight"] >= figures["kills"] // 2
    assert figures["acknowledged"] >= 100
