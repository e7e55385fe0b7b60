"""Read CSV as people save it: any usual separator, UTF-8 or UTF-16, a `sep=` line, headers in any spelling."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

MAX_CELL = 1_000_000  # characters
SEPARATORS = ",;\t|"
SAVE_AS = "Save it as “CSV UTF-8” in Excel, as “Text CSV” with the character set Unicode (UTF-8) in LibreOffice."
NO_CSV = f"The file is a workbook or an archive, not CSV. {SAVE_AS}"
_SEP_LINE = re.compile(r'"?sep=(?P<separator>[^"])"?[,;\t|]*', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
# Archives (xlsx, ods, zip) and Excel's older format.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class CsvError(Exception):
    """Nothing of the file can be read; the message is for people."""


@dataclass(frozen=True)
class Line:
    """A row and the number of the line on which it begins in the file; end: of its last line."""

    number: int
    cells: list[str]
    end: int


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text that begins like this: UTF-16 by its mark or its NULs, else UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = head[0:200:2], head[1:200:2] or b"x"
    if any(odd) != any(even):
        return "utf-16-le" if any(even) else "utf-16-be"
    return "utf-8-sig"


def decode(data: bytes) -> str:
    """Return the text of a file. Raises CsvError."""
    if data.startswith(WORKBOOKS):
        raise CsvError(NO_CSV)
    try:
        text = data.decode(encoding_of(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[max(error.start - 20, 0) : error.start + 20].decode("cp1252", errors="replace")
        found = " ".join(found.split())
        raise CsvError(
            f"The file is not UTF-8: line {line} has “{found}”, which is probably Windows-1252. {SAVE_AS}"
        ) from error
    if "\0" in text:
        raise CsvError(f"The file is not text in UTF-8: it has NUL characters. {SAVE_AS}")
    return text


def separator_of(line: str) -> str:
    """Return what separates the cells of a header: the commonest candidate outside quotes, or what `sep=` names."""
    if found := sep_line(line):
        return found
    bare = _QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


def sep_line(line: str) -> str:
    """Return the separator that a first line like `sep=;` names, "" if it is no such line."""
    found = _SEP_LINE.fullmatch(line.strip(" \r\n"))
    return found["separator"] if found else ""


def lines(text: str) -> Iterator[Line]:
    """Yield each row that is not empty, the header first. Raises CsvError."""
    csv.field_size_limit(MAX_CELL)
    stream = io.StringIO(text, newline="")
    first = next((line for line in stream if line.strip()), "")
    if not sep_line(first):
        stream.seek(0)
    skipped = text[: stream.tell()]
    before = len(skipped.splitlines()) if skipped else 0
    reader = csv.reader(stream, delimiter=separator_of(first), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Line(before + begins, cells, before + reader.line_num)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CsvError(_reason(str(error), before + begins, before + reader.line_num)) from error


def _reason(error: str, begins: int, ends: int) -> str:
    where = f"Line {begins}" if begins >= ends else f"The row from line {begins} to {ends}"
    if "field larger" in error or "unexpected end" in error:
        return f"{where} is no CSV: a quotation mark is opened and never closed."
    return f"{where} is no CSV: a quotation mark within a quoted cell has to be written twice ({error})."


def column_name(text: str) -> str:
    """Return the one spelling of a header: “ Is-Active ” is is_active."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return re.sub(r"[\s_.\-]+", "_", unicodedata.normalize("NFKC", visible).strip().casefold()).strip("_")


@dataclass(frozen=True)
class Header:
    """The columns of a file, those that are known by their one name; "" for a column without a name."""

    names: Sequence[str]
    unknown: Sequence[str]

    @classmethod
    def read(cls, cells: Iterable[str], known: Mapping[str, str]) -> Header:
        """known: {spelling, as column_name returns it: the column's name}. Raises CsvError where a column is twice."""
        names, unknown, written = [], [], [" ".join(cell.split()) for cell in cells]
        while written and not written[-1]:
            written.pop()
        for cell in written:
            name = known.get(column_name(cell))
            names.append(name if name is not None else cell)
            if cell and name is None:
                unknown.append(cell)
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            found = ", ".join(twice)[:200]
            raise CsvError(f"The first line has to name the columns once each; it has more than one {found}.")
        return cls(names, unknown)

    def row(self, cells: Sequence[str]) -> tuple[dict[str, str], str]:
        """Return the cells by the names of their columns, and what is wrong with the row as a whole, "" if nothing."""
        width = len(self.names)
        extra = [cell for cell in cells[width:] if cell.strip()]
        if extra or len(cells) < width:
            return {}, f"has {len(cells)} cells, and the first line {width} columns."
        nameless = [cell for name, cell in zip(self.names, cells, strict=False) if not name and cell.strip()]
        if nameless:
            return {}, f"“{nameless[0][:40]}” stands in a column without a name."
        return {name: cell for name, cell in zip(self.names, cells, strict=False) if name}, ""
