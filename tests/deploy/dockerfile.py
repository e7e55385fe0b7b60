"""Reading a Dockerfile: its instructions, stage by stage, and what .dockerignore lets through.

Only what ours uses; an instruction that is new to it is refused where the image is built (image.py). hadolint looks at
the file as a whole in `make check`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Instruction:
    """name in capitals; text: the rest, its lines put together."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def listed(self) -> list[str]:
        """The words of the form ["...", "..."], which no shell reads; raises ValueError where it is another form."""
        return json.loads(self.text[self.text.index("[") :])


@dataclass
class Stage:
    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def stages(text: str) -> list[Stage]:
    found: list[Stage] = []
    for each in instructions(text):
        if each.name == "FROM":
            base, *named = each.words
            found.append(Stage(base, named[1] if named else ""))
        else:
            found[-1].instructions.append(each)
    return found


def instructions(text: str) -> Iterator[Instruction]:
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        joined += line.rstrip().removesuffix("\\")
        if joined.strip() and not line.rstrip().endswith("\\"):
            name, _, rest = joined.strip().partition(" ")
            yield Instruction(name.upper(), rest.strip())
            joined = ""


def patterns(ignore: str) -> list[str]:
    return [line.strip() for line in ignore.splitlines() if line.strip() and not line.startswith("#")]


def is_sent(path: PurePosixPath, ignored: list[str]) -> bool:
    """Whether .dockerignore lets a file of the context through: the last pattern that names it or a folder above."""
    sent = True
    for pattern in ignored:
        if any(_matches(each, pattern.removeprefix("!")) for each in (path, *path.parents[:-1])):
            sent = pattern.startswith("!")
    return sent


def _matches(path: PurePosixPath, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return path.match(pattern.removeprefix("**/"))
    return len(path.parts) == len(PurePosixPath(pattern).parts) and path.match(pattern)
