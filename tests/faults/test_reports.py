"""The short form of `python -m tests.faults.reports`: eight writers and a relay that keeps being killed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.config.processes import ROOT


@pytest.mark.timeout(240)
def test_reports_stay_exact_while_the_relay_keeps_being_killed():
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults.reports", "--seconds", "8", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr

    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["problems"] == []
    assert figures["kills"] == 4
    assert {"pending", "paid"} <= figures["changes"].keys()
    assert figures["orders"] >= 10
    assert figures["cells"] > 500
