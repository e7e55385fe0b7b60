"""`python -m tests.load.rolling --rounds 10`: every part of a shop restarted under load, and no visitor sees it.

Two web servers behind nginx; see restarts.py for a round. Exit code 0 only where no request
failed, and what was acknowledged is in both stores, once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.load.command import ended, stores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--visitors", type=int, default=8, help="at once")
    options = parser.parse_args(arguments)
    with stores() as (servers, environment):
        # It imports models, which need the settings made above.
        from tests.load import restarts

        verdict = restarts.run(
            servers.home, environment, restarts.Plan(rounds=options.rounds, visitors=options.visitors)
        )
        servers.is_kept = bool(verdict.problems)
    return ended(verdict.figures, verdict.problems)


if __name__ == "__main__":
    sys.exit(main())
