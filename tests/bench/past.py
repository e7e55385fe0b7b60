"""`python -m tests.bench.past`: 1,000 orders live at random; each, at ten moments, is shown again as it was then.

Uses databases of its own, thrown away afterwards, or the empty ones of DATABASE_URL and MONGODB_URL. Exit code 1 where
a look back differs from what was read at its moment. The suite runs the same with a few orders (tests/history).
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from django.core.management import call_command

from tests.bench.stores import databases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.past", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300, help="changes between two moments")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with databases(is_patient=True):
        call_command("migrate", verbosity=0)
        return _measure(options)


def _measure(options: argparse.Namespace) -> int:
    from tests.history.order_snapshots import differing  # needs the settings made above

    began = time.monotonic()
    compared, others = differing(options.orders, options.moments, options.steps, options.seed)
    print(*others[:20], sep="\n")
    print(f"{compared:,} looks back in {time.monotonic() - began:.0f} s, {len(others):,} differ.")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
