"""The short form of `python -m tests.faults.reports`: eight writers and a relay that keeps being killed."""

from __future__ import annotations

import pytest

from tests.faults.short_forms import run


@pytest.mark.timeout(240)
def test_reports_stay_exact_while_the_relay_keeps_being_killed():
    figures = run("tests.faults.reports", "--seconds", "8", "--json")

    assert figures["kills"] == 4
    assert {"pending", "paid"} <= figures["changes"].keys()
    assert figures["orders"] >= 10
    assert figures["cells"] > 500
