#!/usr/bin/env python
"""Django's command line, with start-up troubles said in one sentence."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError
    from pymongo.errors import PyMongoError

    from config import tether

    tether.start()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        sys.exit(f"PostgreSQL: {reason}. Start it (`make run`) or set DATABASE_URL to one that runs.")
    except PyMongoError as error:
        reason = str(error).split(",")[0]
        sys.exit(f"MongoDB: {reason}. Start it (`make run`) or set MONGODB_URL to one that runs.")


if __name__ == "__main__":
    main()
