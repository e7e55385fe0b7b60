"""A thousand writes in every way, a third of them taken back: exactly what was committed has events, and is mirrored.

`python -m tests.bench.capture` is the same with ten thousand.
"""

from __future__ import annotations

import random

import pytest

from tests.faults import capture

pytestmark = pytest.mark.django_db(transaction=True)


def test_exactly_what_was_committed_has_events_and_is_mirrored(mirror, tmp_path):
    figures = capture.run(tmp_path, writes=1000, seed=str(random.randrange(10**6)))

    assert figures["problems"] == []
    assert figures["taken back"] * 2 == figures["committed"]
    assert figures["ways"] == figures["all ways"]
    assert figures["by somebody"] + figures["by database"] == figures["events"] == figures["revisions"]
    assert min(figures["by somebody"], figures["by database"], figures["revisions taken back"]) > 100
