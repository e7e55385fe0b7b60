"""Building the image without a container engine: each instruction of the Dockerfile, in folders."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.deploy import container, dockerfile, packages
from tests.deploy.container import Container
from tests.deploy.dockerfile import ROOT, Instruction

VARIABLE = re.compile(r"\$\{?(\w+)\}?")
NO_MATTER_HERE = ("EXPOSE", "ARG", "LABEL")


@dataclass
class Image:
    """root: its file system; the rest: how it is started."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": container.PATH, "HOME": "/root"})
    directory: str = "/"
    user: str = ""
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """Where a path inside is to be found outside."""
        return self.root / PurePosixPath(self.directory, path).relative_to("/")


def build(folder: Path, *, is_fresh: bool) -> Image:
    """Build every stage of the Dockerfile below a folder and return the last one.

    is_fresh: pip installs as the Dockerfile says, from the net; otherwise the same packages are taken from the
    environment that runs. Raises AssertionError, with the command's output, where an instruction fails.
    """
    built: dict[str, Image] = {}
    image = Image(folder)
    for stage in dockerfile.stages((ROOT / "Dockerfile").read_text()):
        image = Image(folder / (stage.name or "image"))
        image.root.mkdir()
        if stage.base in built:
            assert not built[stage.base].command, "a stage on a stage that holds something is new to this"
        container.prepare(image.root)
        builder = Builder(image, built, is_fresh=is_fresh)
        for instruction in stage.instructions:
            builder.carry_out(instruction)
        built[stage.name] = image
    return image


class Builder:
    def __init__(self, image: Image, stages: Mapping[str, Image], *, is_fresh: bool) -> None:
        self._image = image
        self._stages = stages
        self._is_fresh = is_fresh
        self._ignored = dockerfile.patterns((ROOT / ".dockerignore").read_text())

    def carry_out(self, instruction: Instruction) -> None:
        if instruction.name in NO_MATTER_HERE:
            return
        carry_out = getattr(self, f"_{instruction.name.lower()}", None)
        assert carry_out, f"{instruction.name} is new to the replay; teach it"
        carry_out(instruction)

    def _workdir(self, instruction: Instruction) -> None:
        self._image.directory = instruction.text
        self._image.at(".").mkdir(parents=True, exist_ok=True)

    def _env(self, instruction: Instruction) -> None:
        before = dict(self._image.environment)
        for word in instruction.words:
            name, _, value = word.partition("=")
            self._image.environment[name] = VARIABLE.sub(lambda found: before.get(found[1], ""), value)

    def _user(self, instruction: Instruction) -> None:
        self._image.user = instruction.text

    def _cmd(self, instruction: Instruction) -> None:
        self._image.command = instruction.listed

    def _healthcheck(self, instruction: Instruction) -> None:
        self._image.healthcheck = instruction.listed

    def _copy(self, instruction: Instruction) -> None:
        options = [word for word in instruction.words if word.startswith("--")]
        *sources, to = [word for word in instruction.words if not word.startswith("--")]
        for source in sources:
            if options:
                name = options[0].removeprefix("--from=")
                shutil.copytree(self._stages[name].at(source), self._image.at(to), symlinks=True)
            else:
                self._copy_context(ROOT / source, self._image.at(to))

    def _copy_context(self, source: Path, target: Path) -> None:
        """A folder's content goes to the target; a file is the target, or goes into it where that is a folder."""
        if source.is_file() and target.is_dir():
            target /= source.name
        found = [source] if source.is_file() else sorted(source.rglob("*"))
        sent = [file for file in found if file.is_file() and self._is_sent(file)]
        assert sent, f"COPY {source.name}: .dockerignore lets nothing of it through"
        for file in sent:
            copied = target / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copied)

    def _is_sent(self, file: Path) -> bool:
        return dockerfile.is_sent(PurePosixPath(file.relative_to(ROOT)), self._ignored)

    def _run(self, instruction: Instruction) -> None:
        if "apt-get" in instruction.text:
            return  # the root of a container here has the system's programs of this machine
        # Installed otherwise is only what pip would have, the other commands of its line are run as they are.
        for command in instruction.text.split("&&") if "-m pip " in instruction.text else [instruction.text]:
            if "-m pip " in command and not self._is_fresh:
                packages.stock(self._image.root / "venv")
            else:
                self._shell(command.strip())

    def _shell(self, command: str) -> None:
        environment = self._image.environment | packages.pip_settings()
        here = Container(self._image.root, environment, self._image.directory, self._image.user)
        done = here.run(["sh", "-c", command], timeout=600)
        assert done.returncode == 0, f"RUN {command}\n{done.stdout}"
