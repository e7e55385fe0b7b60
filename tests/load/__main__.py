"""`python -m tests.load --minutes 30 --share 0.7`: a shop that is full of visitors, and stays so.

Guests, customers who order, staff, analysts and other systems against gunicorn with the settings of production, with
relay, mails and webhooks beside it. First the most visits a second are measured, then a share of them is held, each
visit at its time. Exit code 0 only where nothing failed, memory stayed, and what was acknowledged is in both stores,
once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.load.command import ended, stores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="that the share is held")
    parser.add_argument("--share", type=float, default=0.7, help="of the most that was measured")
    parser.add_argument("--measure", type=float, default=60, help="seconds of that")
    parser.add_argument("--orders", type=int, default=20_000, help="generated ones that were there before")
    options = parser.parse_args(arguments)
    with stores() as (servers, environment):
        # It imports models, which need the settings made above.
        from tests.load import steady

        plan = steady.Plan(
            warm_up=20, measure=options.measure, hold=options.minutes * 60, share=options.share, orders=options.orders
        )
        verdict = steady.run(servers.home, environment, plan)
        servers.is_kept = bool(verdict.problems)
    return ended(verdict.figures, verdict.problems)


if __name__ == "__main__":
    sys.exit(main())
