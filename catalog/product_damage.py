"""What spreadsheets and wrong character sets make of cells, found before it is imported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog.models import Product
from catalog.product_file import BadLine, Change
from core.text import normalize_sku, similar_sku

EXAMPLES = 5
TEXTS = ["sku", "name", "description"]
MONTH = "jan|feb|mar|mrz|märz?|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez"
# What happened, by what the cell looks like then. The first that fits.
SPOILED = {
    "An error of a spreadsheet instead of its text": (
        r"#(NAME\?|REF!|VALUE!|N/A|DIV/0!|NUM!|NULL!|NV|WERT!|BEZUG!)|#{3,}"
    ),
    "A long number in scientific notation; digits are lost": r"[0-9]([.,][0-9]+)?E\+[0-9]+",
    "TRUE or FALSE instead of its text": r"true|false|wahr|falsch",
    "A date; it may have been a code such as 3-12": (
        rf"[0-9]{{1,2}}[-. /]+({MONTH})[.]?([-. /]+[0-9]{{2,4}})?|({MONTH})[.]?[- /]+[0-9]{{2,4}}"
        r"|[0-9]{1,2}[./][0-9]{1,2}[./]([0-9]{2}){1,2}|[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00(:00)?)?"
    ),
    "A long number that ends in zeros; digits may be lost": r"[0-9]{15}0+|[0-9]{5,8}0{6,}",
    "A number with a decimal; it may have been a code such as 00123": r"[0-9]+[.,]0",
    "Question marks instead of letters": r"(?=.*\?\?)[? ]+",
}
PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in SPOILED.items()}
WRONG_LETTERS = "Letters read in a wrong character set, such as “Ã¤” for “ä”; open the export as UTF-8"
LOST_LETTERS = "Question marks where the product has letters; save the file as CSV UTF-8"
LOST_DIGITS = "The same number in another spelling; a spreadsheet may have dropped zeros"
LOST_ZEROS = "A new SKU that another product has with zeros in front; a spreadsheet may have dropped them"
SIMILAR = "A new SKU that differs in case, blanks, zeros or the kind of hyphen alone from another one"
DELETED = "A new product that the export showed as one there is; it was deleted since, or its SKU was changed"
LETTERS = re.compile(r"[^\x00-\x7f]+|\?+")
PLAIN_NUMBER = re.compile(r"[0-9]{1,30}([.][0-9]{1,10})?")
# The bytes of UTF-8, taken for Windows-1252: “Ã—” is “×”. The later bytes of a letter look like these; quotes and
# dashes may well stand behind a capital umlaut, so they count behind the commonest first bytes alone. Taken for the
# character set of old Macs “×” is “√ó”.
LATER = "\u0080-\u00bf‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ€"
QUOTES = "‘’“”–—…"
MISREAD = re.compile(
    f"[ÂÃ][{LATER}{QUOTES}]|[\u00c4-\u00df][{LATER}]|[\u00e0-\u00ef][{LATER}{QUOTES}]{{2}}|√[^ 0-9(]|‚Ä"
)


class Warnings:
    """Collects what is suspicious of lines that would be imported, by kind: how many, and the first of them."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, Any]] = {}
        self._skus: dict[str, set[str]] = defaultdict(set)
        for sku in Product.objects.exclude(sku="").values_list("sku", flat=True).iterator():
            self._skus[similar_sku(sku)].add(sku)

    def look(self, changes: Iterable[Change], bad: Iterable[BadLine]) -> None:
        for each in changes:
            if not each.is_none:
                self._look(each.line, each.product, {name: [""] for name in TEXTS} if each.is_new else each.changes)
                if each.is_new:
                    self._look_at_sku(each.line, each.product.sku)
            if each.is_new and each.was_exported:
                self._add(DELETED, each.line, f"sku: {each.product.sku}")
        for line in bad:
            sku = normalize_sku(line.sku)
            if sku and sku not in self._skus[similar_sku(sku)]:
                self._look(line.line, Product(sku=sku), {"sku": [""]})
                self._look_at_sku(line.line, sku)

    def _look(self, line: int, product: Product, changes: dict[str, list[Any]]) -> None:
        """changes: what each column that the line would write was before, at least."""
        for name, (old, *_) in changes.items():
            value = getattr(product, name)
            if isinstance(value, str) and (kind := _lost(str(old), value) or _spoiled(name, value)):
                self._add(kind, line, f"{name}: {value}")

    def _look_at_sku(self, line: int, sku: str) -> None:
        others = self._skus[similar_sku(sku)]
        for other in sorted(others - {sku})[:1]:
            has_lost_zeros = other.endswith(sku) and not other.removesuffix(sku).strip("0")
            self._add(LOST_ZEROS if has_lost_zeros else SIMILAR, line, f"sku: {sku}, there is {other}")
        others.add(sku)

    def _add(self, kind: str, line: int, example: str) -> None:
        found = self.kinds.setdefault(kind, {"count": 0, "examples": []})
        found["count"] += 1
        if found["count"] <= EXAMPLES:
            found["examples"].append(f"line {line}: {example[:80]}")


def _lost(old: str, new: str) -> str:
    """Return what a text of before lost on its way, "" if nothing."""
    if new.count("?") > old.count("?") and not old.isascii() and LETTERS.sub("?", old) == LETTERS.sub("?", new):
        return LOST_LETTERS
    is_number = PLAIN_NUMBER.fullmatch(old) and PLAIN_NUMBER.fullmatch(new)
    return LOST_DIGITS if is_number and Decimal(old) == Decimal(new) else ""


def _spoiled(name: str, text: str) -> str:
    """Return what happened to a text, "" where it looks well."""
    if "\ufffd" in text or MISREAD.search(text):
        return WRONG_LETTERS
    if name == "description":
        return ""
    return next((kind for kind, pattern in PATTERNS.items() if pattern.fullmatch(text.strip())), "")
