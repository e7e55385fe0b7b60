"""Finding and reading the files of an order book, plain or gzipped, line by line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from history.imports.fields import FieldError
from history.imports.sheets import SHEETS, CannotBegin, ImportRefused, Layout, Sheet

# Longer than any row there can be: a file without line breaks does not fill the memory.
LONGEST_LINE = 1_000_000
READ_ERRORS = (OSError, EOFError, zlib.error)  # gzip raises all three


@dataclass(frozen=True)
class Source:
    """A file that is there and has its columns."""

    sheet: Sheet
    path: Path
    layout: Layout

    def lines(self, advance: Callable[[int], object] = lambda read: None) -> Iterator[tuple[int, str]]:
        """Return number and text of each line after the header; `advance` is told the bytes read of the file.

        Bytes that are not UTF-8 arrive as lone surrogates. Raises ImportRefused where the file breaks off.
        """
        numbered = enumerate(_lines(self.path, advance), start=1)
        number = 1
        try:
            next(numbered, None)
            for number, text in numbered:
                yield number, text
        except READ_ERRORS as error:
            raise ImportRefused([f"{self.path.name}:{number}: cannot be read on from here: {error}"]) from error


def find(directory: Path) -> list[Source]:
    """Return the five files of a directory; raises ImportRefused with every file and column that is missing."""
    if not directory.is_dir():
        raise CannotBegin(f"{directory} is not a directory; name the one that holds the files.")
    problems: list[str] = []
    sources: list[Source] = []
    for sheet in SHEETS:
        try:
            path = _path(directory, sheet)
            sources.append(Source(sheet, path, _layout(path, sheet)))
        except FieldError as error:
            problems.append(str(error))
    if problems:
        raise ImportRefused(problems)
    return sources


def _path(directory: Path, sheet: Sheet) -> Path:
    plain = directory / f"{sheet.name}.csv"
    packed = directory / f"{sheet.name}.csv.gz"
    found = [path for path in (plain, packed) if path.exists()]
    if not found:
        raise FieldError(f"{plain.name}: neither it nor {packed.name} is in {directory}")
    if len(found) > 1:
        raise FieldError(f"{plain.name}: {packed.name} is there too; remove one of the two")
    return found[0]


def _layout(path: Path, sheet: Sheet) -> Layout:
    try:
        header = next(_lines(path, lambda read: None), "")
        return Layout(sheet, header)
    except FieldError as error:
        raise FieldError(f"{path.name}:1: {error}") from error
    except READ_ERRORS as error:
        raise FieldError(f"{path.name}: cannot be read: {error}") from error


def _lines(path: Path, advance: Callable[[int], object]) -> Iterator[str]:
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
        # Only "\n" ends a line, as in the editor in which somebody will look for line 17.
        text = stack.enter_context(io.TextIOWrapper(unpacked, encoding="utf-8", errors="surrogateescape", newline="\n"))
        told = 0
        for count, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), "")):
            if count % 1000 == 0:
                advance(raw.tell() - told)
                told = raw.tell()
            yield line.removesuffix("\n").removesuffix("\r")
            if len(line) == LONGEST_LINE:
                _skip_line(text)
        advance(raw.tell() - told)


def _skip_line(text: IO[str]) -> None:
    rest = "rest"
    while rest and not rest.endswith("\n"):
        rest = text.readline(LONGEST_LINE)
