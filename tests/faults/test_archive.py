"""The short form of `python -m tests.faults.archive`: archive and restore die everywhere, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.faults.short_forms import run


@pytest.mark.timeout(300)
def test_archive_and_restore_die_everywhere_and_lose_nothing():
    short = ["--orders", "100", "--kills", "2", "--restored", "40", "--hits", "1"]
    figures = run("tests.faults.archive", *short)

    assert figures["deaths"] == 9
    assert figures["looks"] > 10
