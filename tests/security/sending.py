"""Filling in the forms of pages, files too, as a browser does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.security.pages import Form, Page
from tests.security.visitor import Answer, Visitor

BOUNDARY = "security-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


class File(NamedTuple):
    name: str
    content: bytes
    kind: str = "image/jpeg"


def fill(visitor: Visitor, path: str, /, **typed: Any) -> Answer:
    """Type into the form of a page that has these fields and send it."""
    return send(visitor, form_with(visitor.get(path), path, typed), **typed)


def form_with(answer: Answer, path: str, names: Mapping[str, Any]) -> Form:
    forms = Page(answer.text, path).forms
    found = [form for form in forms if form.method == "post" and names.keys() <= {*form.fields, *form.files}]
    assert found, (path, answer.status, [form.fields for form in forms])
    return found[0]


def send(visitor: Visitor, form: Form, **typed: Any) -> Answer:
    fields = {name: values for name, values in form.fields.items() if values} | typed
    if not form.files:
        return visitor.post(form.action, fields)
    return visitor.ask("POST", form.action, _multipart(fields), visitor.token() | {"Content-Type": MULTIPART})


def _multipart(fields: Mapping[str, Any]) -> bytes:
    parts = []
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
            if isinstance(each, File):
                # As browsers do.
                told = each.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
                parts.append(f'{head}; filename="{told}"\r\nContent-Type: {each.kind}\r\n\r\n'.encode() + each.content)
            else:
                parts.append(f"{head}\r\n\r\n{each}".encode())
    return b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
