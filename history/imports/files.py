"""Finding and reading the files of an order book, plain or gzipped, line by line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core import csv_input
from history.imports.fields import FieldError
from history.imports.sheets import SHEETS, CannotBegin, ImportRefused, Layout, Sheet

# Longer than any row there can be: a file without line breaks does not fill the memory.
LONGEST_LINE = 1_000_000
# Bytes that show the encoding.
HEAD = 200
READ_ERRORS = (OSError, EOFError, zlib.error)  # gzip raises all three


@dataclass(frozen=True)
class Source:
    """A file that is there and has its columns; header_line: the number of the line that names them."""

    sheet: Sheet
    path: Path
    layout: Layout
    header_line: int

    def lines(self, advance: Callable[[int], object] = lambda read: None) -> Iterator[tuple[int, str]]:
        """Return number and text of each line after the header; `advance` is told the bytes read of the file.

        Bytes that are not UTF-8 arrive as lone surrogates. Raises ImportRefused where the file breaks off.
        """
        numbered = enumerate(_lines(self.path, advance), start=1)
        number = 1
        try:
            for number, text in numbered:
                if number > self.header_line:
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
            sources.append(_source(path, sheet))
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


def _source(path: Path, sheet: Sheet) -> Source:
    number = 1
    try:
        number, header, separator = _header(_lines(path, lambda read: None))
        return Source(sheet, path, Layout(sheet, header, separator), number)
    except FieldError as error:
        raise FieldError(f"{path.name}:{number}: {error}") from error
    except READ_ERRORS as error:
        raise FieldError(f"{path.name}: cannot be read: {error}") from error


def _header(lines: Iterable[str]) -> tuple[int, str, str]:
    """Return number and text of the line that names the columns, and what separates them.

    Empty lines and one such as sep=; may stand before it.
    """
    separator = ""
    for number, text in enumerate(lines, start=1):
        if not separator and (found := csv_input.sep_line(text)):
            separator = found
        elif text.strip():
            return number, text, separator or csv_input.separator_of(text)
    return 1, "", ","


def _lines(path: Path, advance: Callable[[int], object]) -> Iterator[str]:
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
        head = unpacked.read(HEAD)
        if head.startswith(csv_input.WORKBOOKS):
            raise FieldError(csv_input.NO_CSV)
        encoding = csv_input.encoding_of(head)
        unpacked.seek(0)
        errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
        text = stack.enter_context(io.TextIOWrapper(unpacked, encoding=encoding, errors=errors))
        told = 0
        for count, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), "")):
            if count % 1000 == 0:
                advance(raw.tell() - told)
                told = raw.tell()
            yield line.removesuffix("\n")
            if len(line) == LONGEST_LINE:
                _skip_line(text)
        advance(raw.tell() - told)


def _skip_line(text: IO[str]) -> None:
    rest = "rest"
    while rest and not rest.endswith("\n"):
        rest = text.readline(LONGEST_LINE)
