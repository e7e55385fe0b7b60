"""A report's page as tests read it: its text, and what its tables say to machines."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser


def text(response) -> str:
    return response.content.decode()


def read_csv(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


class PageTable(HTMLParser):
    """What a table's cells say to machines (data-plain), row by row."""

    def __init__(self, page: str, table: str = "rows") -> None:
        super().__init__()
        self.wanted = f"table-{table}"
        self.table = ""
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.part = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "table":
            self.table = given["id"]
        if self.table != self.wanted:
            return
        if tag in ("thead", "tbody", "tfoot"):
            self.part = tag
        elif tag == "tr" and self.part == "tbody":
            self.rows.append([])
        elif "data-name" in given:
            self.headings.append(given["data-name"])
        elif "data-plain" in given and self.part == "tbody":
            self.rows[-1].append(given["data-plain"])
