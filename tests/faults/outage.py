"""`python -m tests.faults.outage --minutes 30`: customers check out over HTTP while MongoDB hangs, is gone, comes back.

gunicorn as in production but over plain http, with a relay beside it. Exit code 0 only where no checkout failed, none
became slower, the backlog was shown exactly and delivered in time, and both stores agree in the end.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

import django

from tests.faults.servers import Servers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.outage", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="without MongoDB")
    parser.add_argument("--baseline", type=float, default=300, help="seconds before that, with MongoDB")
    parser.add_argument("--after", type=float, default=60, help="seconds after its return")
    parser.add_argument("--clients", type=int, default=3, help="processes that place orders")
    parser.add_argument("--rate", type=float, default=4, help="checkouts a second of all of them")
    parser.add_argument("--limit", type=float, default=1.2, help="p95 of the outage ÷ that of the baseline")
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON at the end")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Servers() as servers:
        django.setup()
        # It imports models, which need the settings made above.
        from tests.faults import without_mongodb

        plan = without_mongodb.Plan(
            baseline=options.baseline,
            outage=options.minutes * 60,
            after=options.after,
            clients=options.clients,
            rate=options.rate,
            limit=options.limit,
        )
        figures = without_mongodb.run(servers, plan)
        servers.is_kept = bool(figures["problems"])
    for problem in figures["problems"]:
        print(f"  {problem}", file=sys.stderr)
    if options.json:
        print(json.dumps(figures))
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
