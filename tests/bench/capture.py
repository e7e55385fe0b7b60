"""`python -m tests.bench.capture --writes 10000`: the mixed writes of tests/faults/capture.py, in any number.

On databases of its own, gone afterwards. Exit code 1 where anything differs. The seed repeats the writes.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence

import django
from django.core.management import call_command

from tests.faults.servers import Servers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capture", description=__doc__)
    parser.add_argument("--writes", type=int, default=10_000)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    options = parser.parse_args(arguments)
    with Servers() as servers:
        django.setup()
        call_command("migrate", verbosity=0)
        # It imports models, which need the settings made above.
        from tests.faults import capture

        figures = capture.run(servers.home, writes=options.writes, seed=options.seed)
        servers.is_kept = bool(figures["problems"])
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
