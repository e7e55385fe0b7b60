"""`python -m config.serve`: the web server, once its settings are checked."""

import os
import sys

from config import environment


def main() -> None:
    with environment.one_sentence():
        # gunicorn reads the variable before its own configuration, and fails with a traceback where it is no number.
        os.environ["WEB_CONCURRENCY"] = str(environment.web_processes())
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"])  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
