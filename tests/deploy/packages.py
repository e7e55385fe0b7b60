"""The packages of the image: which requirements.txt names, and putting them there from the environment that runs."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.dockerfile import ROOT

SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def pinned() -> dict[str, str]:
    """Name → version of what requirements.txt names for this machine."""
    lines = (line for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1].isalpha())
    requirements = [Requirement(line.rstrip(" \\")) for line in lines]
    return {
        canonicalize_name(each.name): next(iter(each.specifier)).version
        for each in requirements
        if each.marker is None or each.marker.evaluate()
    }


def installed(venv: Path) -> dict[str, str]:
    """Name → version of what an environment holds."""
    found = metadata.distributions(path=[str(venv / SITE)])
    return {canonicalize_name(each.metadata["Name"]): each.version for each in found}


def stock(venv: Path) -> None:
    """Put what requirements.txt names into an empty environment, from the one that runs: its files, its programs."""
    ours, theirs = Path(sysconfig.get_path("purelib")), venv / SITE
    for name, version in pinned().items():
        distribution = metadata.distribution(name)
        assert distribution.version == version, f"{name} is {distribution.version} here; run `make test` anew"
        files = [Path(str(file)) for file in distribution.files or []]
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            _put(ours / top, theirs / top)
        for program in (file for file in files if file.parts[0] == ".." and file.parent.name == "bin"):
            _, _, body = (ours / program).read_text().partition("\n")
            copied = venv / "bin" / program.name
            copied.write_text(f"#!/venv/bin/python\n{body}")
            copied.chmod(0o755)


def _put(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link)
    else:
        _link(source, target)


def _link(source: str | Path, target: str | Path) -> None:
    """A second name takes half the time of a copy, where the file system has it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def pip_settings() -> dict[str, str]:
    """How this machine tells pip where packages are; the files of /etc are there in any case."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
