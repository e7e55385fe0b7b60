"""The short form of `python -m tests.faults.feed`: its client killed five times, the process behind it once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.config.processes import ROOT


@pytest.mark.timeout(180)
def test_a_client_that_is_killed_again_and_again_gets_every_event_once():
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults.feed", "--kills", "5", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr

    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["problems"] == []
    assert figures["events"] >= 50
