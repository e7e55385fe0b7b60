"""Running the short form of a campaign, as one would by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.config.processes import ROOT


def run(*arguments: str, **environment: str) -> dict[str, Any]:
    """Return the figures of `python -m ARGUMENTS`, which is to end well and to have found no problem."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert figures["problems"] == []
    return figures
