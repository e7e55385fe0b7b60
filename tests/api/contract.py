"""`python -m tests.api.contract --examples 1000`: ask the API all that its description allows, and what it does not.

Each operation is asked so many generated questions, beside those at the edges of what is described, by schemathesis,
over HTTP, against gunicorn. Uses databases of its own, with the demo shop. Exit code 1 where an answer is not as
described, a valid question is refused or an invalid one is not, or where there is any 500.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.core.management import call_command

from tests.bench.stores import databases
from tests.config.processes import ROOT
from tests.web.server import Server

CONFIG = Path(__file__).with_name("schemathesis.toml")
SEED = 1


def ask(port: int, key: str, *, examples: int, seed: int = SEED) -> subprocess.CompletedProcess[str]:
    """key: of all scopes. Exit code 0: every answer was as described."""
    with tempfile.TemporaryDirectory() as directory:
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color"),
                *("run", f"http://127.0.0.1:{port}/api/v1/openapi.json"),
                *("--header", f"Authorization: Bearer {key}", "--max-examples", str(examples), "--seed", str(seed)),
                # One: hypothesis sets the limit of recursion, which two threads of one process cannot share.
                *("--continue-on-failure", "--phases", "examples,coverage,fuzzing", "--workers", "1"),
            ],
            cwd=directory,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            check=False,
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.api.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each operation")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    with databases():
        from config.api.scopes import SCOPES
        from users import api_keys

        call_command("migrate", verbosity=0)
        call_command("seed_demo", verbosity=0)
        _, key = api_keys.make(name="Contract", scopes=SCOPES, customer=None, requests_per_minute=100_000)
        with Server(Path(tempfile.mkdtemp(prefix="user-order-system-contract-")) / "web.log") as server:
            done = ask(server.port, key, examples=asked.examples, seed=asked.seed)
    print(done.stdout, done.stderr)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
