"""A small order book on disk, for the tests of the import."""

from __future__ import annotations

import gzip
from pathlib import Path

GOOD = {
    "users": ["email,name,created_at", "ada@mail.example,Ada,2024-01-01T08:00:00Z",
              "bob@mail.example,Bob,2024-01-02T08:00:00Z"],
    "products": ["sku,name,price,stock,category", "LAMP,Lamp,19.90,5,Home", "PEN,Pen,1.50,0,Office"],
    "orders": [
        "order_ref,user_email,status,created_at",
        "R1,ada@mail.example,delivered,2024-02-01T10:00:00Z",
        "R2,BOB@mail.example,pending,2024-02-02T10:00:00+02:00",
    ],
    "order_items": ["order_ref,sku,quantity,price", "R1,LAMP,2,18.00", "R1,PEN,1,1.50", "R2,PEN,10,1.25"],
    "order_events": [
        "order_ref,status,occurred_at",
        "R1,pending,2024-02-01T10:00:00Z",
        "R1,paid,2024-02-01T12:00:00Z",
        "R1,shipped,2024-02-03T09:00:00Z",
        "R1,delivered,2024-02-05T15:30:00Z",
        "R2,pending,2024-02-02T10:00:00+02:00",
    ],
}  # fmt: skip


class OrderBook:
    """The five files in a directory; two orders of two customers, all good until a test changes them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        for name, lines in GOOD.items():
            self.write(name, lines)

    def path(self, name: str) -> Path:
        return self.directory / f"{name}.csv"

    def write(self, name: str, lines: list[str]) -> None:
        self.path(name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def add(self, name: str, *lines: str) -> None:
        with self.path(name).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def replace(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text(encoding="utf-8")
        assert old in text
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")

    def pack(self, name: str) -> None:
        path = self.path(name)
        path.with_name(f"{name}.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
