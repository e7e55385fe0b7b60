"""The short form of `make faults`: at least 60 kills while the shop works, and nothing lost, invented or doubled."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.config.processes import ROOT


@pytest.mark.timeout(240)
def test_sixty_kills_lose_nothing_and_invent_nothing():
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--kills", "60", "--seconds", "150", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr

    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["problems"] == []
    assert figures["kills"] >= 60
    assert figures["in flight"] >= figures["kills"] // 2
    assert figures["acknowledged"] >= 100
