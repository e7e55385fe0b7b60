"""The short form of `python -m tests.faults.outage`: seconds instead of half an hour."""

from __future__ import annotations

import pytest

from tests.faults.short_forms import run

# So few checkouts on a busy machine say little about a percentile. One that waited for MongoDB would take a second or
# more, far beyond twenty times the usual; the long run keeps to 1.2.
FEW = ["--minutes", "0.1", "--baseline", "4", "--after", "3", "--limit", "20"]


@pytest.mark.timeout(180)
def test_the_shop_sells_while_mongodb_hangs_and_is_gone():
    figures = run("tests.faults.outage", *FEW, "--json", MONGODB_READ_TIMEOUT_MS="2000")

    assert figures["checkouts"] == figures["orders shown"] >= 15
    assert figures["checkouts before"] >= 10
