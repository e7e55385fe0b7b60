"""A folder entered as a container is: a root of its own, this machine's system read-only below it, no rights.

By Linux's namespaces (unshare of util-linux). Root becomes the user that is asked for; whoever else runs this is root
of a namespace of their own, which may do nothing outside of it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The base image's part is played by this machine.
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "usr", "etc")
BASE = Path(sys.base_prefix)
PYTHON = "base/bin/python"
PATH = "/base/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What may be mounted there; all else in the root folder came from the image.
MOUNTED = (*SYSTEM, "proc", "dev", "run", "base", BASE.relative_to("/").parts[0])

HARMLESS = "nosuid,nodev"


def prepare(root: Path) -> None:
    """Make a root folder into which the system can be mounted, with a `python` as the base image has one."""
    for name in SYSTEM:
        outside = Path("/", name)
        if outside.is_symlink():
            (root / name).symlink_to(outside.readlink())
        elif outside.is_dir():
            (root / name).mkdir()
    for path in ("proc", "dev", "run", "tmp", "base/bin", BASE.relative_to("/")):
        (root / path).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / PYTHON).write_text(f'#!/bin/sh\nexec {BASE}/bin/python3 "$@"\n')
    (root / PYTHON).chmod(0o755)


@dataclass(frozen=True)
class Container:
    """How commands are run in a root folder. volumes: path inside → folder outside, both writable."""

    root: Path
    environment: Mapping[str, str]
    directory: str = "/"
    user: str = ""
    is_read_only: bool = False
    volumes: Mapping[str, Path] = field(default_factory=dict)

    def run(self, words: Sequence[str], *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; output: both streams together."""
        return subprocess.run(
            self.command(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command; the process is the command itself, so that signals reach it."""
        with log.open("ab") as output:
            return subprocess.Popen(self.command(words), stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def command(self, words: Sequence[str]) -> list[str]:
        rights = ["--mount"] if os.getuid() == 0 else ["--mount", "--map-root-user"]
        return ["unshare", *rights, "sh", "-ec", "\n".join([*self._mounts(), self._enter(words)])]

    def _mounts(self) -> list[str]:
        root = shlex.quote(str(self.root))
        # mount and chroot lie where an ordinary user does not look.
        lines = ['export PATH="$PATH:/usr/sbin:/sbin"', f"mount --rbind {root} {root}", f"cd {root}"]
        for name in (*(n for n in SYSTEM if (self.root / n).is_dir()), str(BASE.relative_to("/"))):
            if not (self.root / name).is_symlink():
                lines += [f"mount --rbind /{name} ./{name}", f"mount -o remount,bind,ro,{HARMLESS} ./{name}"]
        lines += ["mount --rbind /proc ./proc", "mount --rbind /dev ./dev"]
        for inside, outside in self.volumes.items():
            lines += [
                f"mount --rbind {shlex.quote(str(outside))} .{inside}",
                f"mount -o remount,bind,noexec,{HARMLESS} .{inside}",
            ]
        return [*lines, f"mount -o remount,bind,ro,{HARMLESS} {root}"] if self.is_read_only else lines

    def _enter(self, words: Sequence[str]) -> str:
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        at = ["sh", "-c", 'cd "$0" && exec "$@"', self.directory]
        return "exec " + shlex.join(["chroot", ".", *self._without_rights(), "env", "-i", *variables, *at, *words])

    def _without_rights(self) -> list[str]:
        if not self.user:
            return []
        if os.getuid() != 0:
            return ["setpriv", "--no-new-privs"]
        user, group = self.user.split(":")
        ids = [f"--reuid={int(user)}", f"--regid={int(group)}", "--clear-groups"]
        return ["setpriv", *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
