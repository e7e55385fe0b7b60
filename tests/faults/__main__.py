"""make faults: kill everything at random while the shop works, then prove that nothing was lost, invented or doubled.

Exit code 0 only where kills hit work in flight and the checker found nothing. The seed repeats the choices, not the
timing of the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
from collections.abc import Sequence

import django

from tests.faults.servers import Servers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=7200, help="end after that many, with fewer kills")
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON at the end")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"seed {options.seed}", flush=True)
    with Servers() as servers:
        django.setup()
        # It imports models, which need the settings made above.
        from tests.faults import campaign

        figures = campaign.run(servers, seed=options.seed, kills=options.kills, seconds=options.seconds)
        servers.is_kept = bool(figures["problems"])
    if options.json:
        print(json.dumps(figures))
    return 1 if figures["problems"] or not figures["in flight"] else 0


if __name__ == "__main__":
    sys.exit(main())
