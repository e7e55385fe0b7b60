"""`python -m tests.load.exhaust`: stores that are full, slow, out of reach or gone, while visitors keep coming.

Every visitor is answered within five seconds, with the page that was asked for or one that says what is wrong (503);
all is well again by itself; what was acknowledged is in both stores, once. The troubles are in trials.py. The full disk
and lost packets (nft) need root; for anybody else they are left out, and said so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from tests.faults.servers import Servers
from tests.load.command import ended, stores
from tests.load.disk import SmallDisk, is_possible
from tests.load.trials import AS_ROOT, FULL_DISK, TRIALS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.exhaust", description=__doc__)
    parser.add_argument("trials", nargs="*", choices=[*TRIALS, []], help="all of them if none is named")
    parser.add_argument("--lasts", type=float, default=20, help="seconds of each trouble")
    parser.add_argument("--after", type=float, default=20, help="seconds after it")
    parser.add_argument("--rate", type=float, default=5, help="visits a second")
    options = parser.parse_args(arguments)
    names = options.trials or list(TRIALS)
    if not is_possible():
        print(f"left out, because they need root: {', '.join(AS_ROOT)}", flush=True)
        names = [name for name in names if name not in AS_ROOT]
    with ExitStack() as stack:
        servers = Servers()
        # Entered before the servers that lie on it, so that it ends after them.
        disk = stack.enter_context(SmallDisk(servers.home / "postgres")) if FULL_DISK in names else None
        _, environment = stack.enter_context(stores(servers))
        # It imports models, which need the settings made above.
        from tests.load import exhaustion

        plan = exhaustion.Plan(names, lasts=options.lasts, after=options.after, rate=options.rate)
        verdict = exhaustion.run(servers.home, environment, plan, servers=servers, disk=disk)
        servers.is_kept = bool(verdict.problems)
    return ended(verdict.figures, verdict.problems)


if __name__ == "__main__":
    sys.exit(main())
