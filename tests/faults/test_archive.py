"""The short form of `python -m tests.faults.archive`: archive and restore die everywhere, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.config.processes import ROOT


@pytest.mark.timeout(300)
def test_archive_and_restore_die_everywhere_and_lose_nothing():
    short = ["--orders", "100", "--kills", "2", "--restored", "40", "--hits", "1"]
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults.archive", *short], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr

    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["problems"] == []
    assert figures["deaths"] == 9
    assert figures["looks"] > 10
