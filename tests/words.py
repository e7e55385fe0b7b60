"""The texts of the shop and their translations: `make words` brings locale/ up to date.

Collects the texts marked in Python and in templates, keeps the translations there are and compiles them. It needs no
gettext on the machine: Babel does it, after Django has turned its templates into what Babel reads.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = "de"
FOLDER = ROOT / "locale" / LANGUAGE / "LC_MESSAGES"
APPS = ("core", "config", "users", "catalog", "orders", "history")

HEADER = "# The shop in German; `make words` collects the texts and compiles them."
WHEN = datetime(2026, 1, 1, tzinfo=UTC)  # the same texts are the same file

# Function → which of its arguments is what, as Babel has it; 1c is the context.
FUNCTIONS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def collect() -> Catalog:
    """Every marked text, each with the files it stands in."""
    catalog = Catalog(LANGUAGE, header_comment=HEADER, creation_date=WHEN, revision_date=WHEN, fuzzy=False)
    for path, source in _sources():
        for _, message, comments, context in extract("python", io.BytesIO(source.encode()), FUNCTIONS):
            catalog.add(message, None, [(str(path.relative_to(ROOT)), None)], (), comments, context=context)
    return catalog


def translated() -> Catalog:
    return read_po(io.BytesIO((FOLDER / "django.po").read_bytes()), locale=LANGUAGE)


def compiled(catalog: Catalog) -> bytes:
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def brought_up_to_date() -> Catalog:
    """Today's texts with the translations they have; one that is new has none, one that is gone is left out."""
    catalog, known = collect(), translated()
    for message in catalog:
        if message.id and (old := known.get(message.id, message.context)):
            message.string = old.string
    return catalog


def as_text(catalog: Catalog) -> str:
    written = io.BytesIO()
    write_po(written, catalog, width=120, sort_output=True, include_lineno=False)
    return written.getvalue().decode()


def _sources() -> Iterator[tuple[Path, str]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            yield path, path.read_text()
    for path in sorted((ROOT / "templates").rglob("*.*")):
        # In brackets, because what is left of a template is not indented as Python wants it.
        yield path, f"({templatize(path.read_text())}\n)"


def main() -> None:
    catalog = brought_up_to_date()
    (FOLDER / "django.po").write_text(as_text(catalog))
    (FOLDER / "django.mo").write_bytes(compiled(catalog))
    missing = [message.id for message in catalog if message.id and not message.string]
    print(f"{len(catalog)} texts, {len(missing)} of them without a translation")
    for text in missing:
        print(f"  {text}")


if __name__ == "__main__":
    main()
