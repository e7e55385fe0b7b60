"""The short form of `python -m tests.faults.feed`: its client killed five times, the process behind it once."""

from __future__ import annotations

import pytest

from tests.faults.short_forms import run


@pytest.mark.timeout(180)
def test_a_client_that_is_killed_again_and_again_gets_every_event_once():
    figures = run("tests.faults.feed", "--kills", "5", "--json")

    assert figures["events"] >= 50
