"""`python -m config.embedded`: the embedded databases in the foreground, for the data directory in DATA_DIR."""

import os
import sys
from pathlib import Path

from config import tether
from config.embedded import supervisor
from config.embedded.guarded import ServerError


def main() -> int:
    tether.start()
    try:
        supervisor.run(Path(os.environ.get("DATA_DIR") or ".data"), lambda text: print(text, flush=True))
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
