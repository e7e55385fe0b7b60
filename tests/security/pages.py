"""What a page has in it: forms with their fields, links, elements, as a browser would find them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

# Marks what attackers typed: were it read as HTML, it would be an element and an attribute of this name.
MARK = "zq"


@dataclass
class Form:
    """fields: as they would be sent if nobody typed, ticked or chose anything; files: names of fields for them."""

    method: str
    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """escaped: what attackers typed is not text any more. queries: parameters that links to this page have."""

    def __init__(self, text: str, path: str = "/") -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.escaped: list[str] = []
        self.ids: dict[str, Form] = {}
        self._path = path
        self._form: Form | None = None
        self._select = self._area = ""
        self.feed(text)

    @property
    def queries(self) -> set[str]:
        own = [urlsplit(link) for link in self.links]
        return {name for link in own if link.path == urlsplit(self._path).path for name, _ in parse_qsl(link.query)}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        # Whatever has an address may name a program instead of one.
        led = {name for name in ("href", "src", "action", "formaction") if self._is_program(known.get(name, ""))}
        if tag.startswith(MARK) or led or any(name.startswith(MARK) for name in known):
            self.escaped.append(self.get_starttag_text() or tag)
        if tag == "a" and "href" in known:
            self.links.append(urljoin(self._path, known["href"]))
        if tag == "form":
            self._form = Form(known.get("method", "get").lower(), urljoin(self._path, known.get("action", "")))
            self.forms.append(self._form)
            self.ids[known.get("id", "")] = self._form
        elif tag in ("input", "select", "textarea", "button") and "name" in known:
            self._field(tag, known)
        elif tag == "option" and self._form and self._select and "selected" in known:
            chosen = self._form.fields[self._select]
            chosen[:] = [*filter(None, chosen), known.get("value", "")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._form and self._area:
            self._form.fields[self._area] = [self._form.fields[self._area][0] + data.removeprefix("\n")]

    def _field(self, tag: str, known: dict[str, str]) -> None:
        form = self.ids.get(known["form"]) if "form" in known else self._form
        if form is None:
            return
        name, kind = known["name"], known.get("type", "")
        if kind == "file":
            form.files.append(name)
        elif tag == "button" or kind == "submit" or (tag == "select" and "multiple" in known):
            form.fields.setdefault(name, [])
        elif kind not in ("checkbox", "radio"):
            form.fields.setdefault(name, []).append(known.get("value", ""))
        else:
            form.fields.setdefault(name, []).extend([known.get("value", "on")] * ("checked" in known))
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area = name

    @staticmethod
    def _is_program(address: str) -> bool:
        return "".join(address.split()).lower().startswith(("javascript:", "vbscript:", "data:text"))


def text(html: str) -> str:
    """A page as it is read: without tags, with single spaces."""
    body = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
