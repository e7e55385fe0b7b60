#!/usr/bin/env python
"""Django's command line, with start-up troubles said in one sentence."""

import os
import sys


def _reason(error: Exception) -> str:
    """Why PostgreSQL cannot be used; the pool says only how long it waited for a connection."""
    import psycopg
    from django.db import connection

    given = {name: value for name, value in connection.get_connection_params().items() if name != "pool"}
    try:
        psycopg.connect(**given).close()
    except psycopg.Error as cause:
        error = cause
    return str(error).strip().splitlines()[0]


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
        sys.exit(f"PostgreSQL: {_reason(error)}. Start it (`make run`) or set DATABASE_URL to one that runs.")
    except PyMongoError as error:
        reason = str(error).split(",")[0]
        sys.exit(f"MongoDB: {reason}. Start it (`make run`) or set MONGODB_URL to one that runs.")


if __name__ == "__main__":
    main()
