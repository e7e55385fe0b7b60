"""What a measure found: figures beside their limits, printed as they come and written to docs/benchmarks.md."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import quantiles

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
PACKAGES = ("Django", "psycopg", "pymongo", "gunicorn")
HEAD = (
    "# Benchmarks",
    "",
    'Written by `make bench ARGS="--write"`; nothing here is typed by hand. Every figure stands beside what it is held',
    "against, measured in the same run on the same machine: a limit, or the least the same thing could cost.",
    "",
)
COLUMNS = "| what | figure | beside | ratio | limit | |\n| --- | --- | --- | ---: | --- | :-: |"
SECTION = re.compile(r"^## (?P<name>.+)\n(?P<text>(?:(?!^## ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """what was measured, the figure in words, what it is held against and its figure, the first by the second.

    limit: in words; empty where there is none. is_met: whether it was kept.
    """

    what: str
    figure: str
    beside: str = ""
    ratio: float | None = None
    limit: str = ""
    is_met: bool = True

    def __str__(self) -> str:
        beside = f"; {self.beside}" if self.beside else ""
        ratio = f" → {self.ratio:.2f}" if self.ratio is not None else ""
        limit = f" ({self.limit})" if self.limit else ""
        return f"{self.what + ':':<46} {self.figure}{beside}{ratio}{limit}{'' if self.is_met else '  MISSED'}"

    def row(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        kept = "" if not self.limit else "✓" if self.is_met else "✗"
        return f"| {self.what} | {self.figure} | {self.beside} | {ratio} | {self.limit} | {kept} |"


def printed(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Pass them on, each printed when it is there."""
    for figure in figures:
        print(figure, flush=True)
        yield figure


def show(figures: Iterable[Figure]) -> int:
    """Print them; return how many missed their limit."""
    return sum(not figure.is_met for figure in printed(figures))


def p95(took: Sequence[float]) -> float:
    return quantiles(took, n=20, method="inclusive")[-1]


def write(
    measured: Mapping[str, Sequence[Figure]], alone: Mapping[str, str], stores: str, *, page: Path = PAGE
) -> None:
    """Put these measures on the page, each in place of what it said of them; the others stay.

    alone: how each is measured by itself. stores: the servers' names and versions. What was measured on another
    machine or with other versions goes.
    """
    told = f"{machine()}\n{versions(stores)}\n"
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    sections = {found["name"]: found["text"].strip() for found in SECTION.finditer(before)} if told in before else {}
    for name, figures in measured.items():
        sections[name] = table(figures, alone[name])
    ordered = [f"\n## {name}\n\n{sections[name]}\n" for name in alone if name in sections]
    page.write_text("\n".join([*HEAD, told]) + "".join(ordered), encoding="utf-8")


def table(figures: Iterable[Figure], command: str) -> str:
    """The figures with the day, and how to measure them again."""
    how = f"{date.today():%Y-%m-%d}; alone: `{command}`"  # noqa: DTZ011 - the day where it is measured
    return "\n".join([how, "", COLUMNS, *(figure.row() for figure in figures)])


def put(name: str, told: str, *, page: Path) -> None:
    """Put a text between the marks of this name on a page."""
    before = page.read_text(encoding="utf-8")
    marked = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
    after, count = marked.subn(lambda _: f"\n{told}\n\n", before)
    assert count == 1, f"{page} has no marks of {name}"
    page.write_text(after, encoding="utf-8")


def machine() -> str:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = found[1].strip() if found else platform.machine()
    return f"Machine: {cores} cores ({processor}), {memory:.0f} GB of memory, {platform.system()}.  "


def versions(stores: str) -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Versions: Python {platform.python_version()}, {packages}, {stores}."


def stores() -> str:
    """The servers and their versions; Django is set up."""
    from django.conf import settings
    from django.db import connection

    from history import mongo

    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(current_setting('server_version'), ' ', 1)")
        [postgres] = cursor.fetchone()
    is_embedded = settings.MONGODB_URL.startswith("mongodb://127.0.0.1:")
    name = f"embedded MongoDB server {importlib.metadata.version('secantusdb')}" if is_embedded else "MongoDB"
    return f"PostgreSQL {postgres}, {name} (as MongoDB {mongo.for_reading().database.client.server_info()['version']})"
