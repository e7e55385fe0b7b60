"""`python -m tests.docs`: write the pages of docs/ that are told from the code; tests/test_docs.py keeps them true."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import django
from django.conf import settings

DOCS = Path(__file__).resolve().parent.parent / "docs"


def roles() -> str:
    from config.roles import PERMISSIONS, ROLES
    from tests.config import back_office

    # The back office's pages register themselves with the addresses.
    importlib.import_module(settings.ROOT_URLCONF)
    lines = [
        "# Roles",
        "",
        "Told from `config/roles.py` by `make docs`; each `migrate` makes the groups what stands here. Who needs what",
        "two roles have gets both; groups of the shop's own are made under *Groups*. To enter the back office one is",
        "*staff* too. Superusers may do everything that anybody may. Managers give others roles up to their own; only",
        "superusers set passwords and make superusers.",
        "",
        f"| may | {' | '.join(ROLES)} | permission |",
        f"| --- |{' :-: |' * len(ROLES)} --- |",
    ]
    for label, what in PERMISSIONS.items():
        ticks = " | ".join("✓" if label in held else "" for held in ROLES.values())
        lines.append(f"| {what} | {ticks} | `{label}` |")
    tables = {"Pages": back_office.pages(), "Forms": back_office.forms(), "Actions on lists": back_office.ACTIONS}
    for title, table in tables.items():
        lines += ["", f"## {title}", "", "| name | asks for |", "| --- | --- |"]
        lines += [f"| {name} | {permission} |" for name, permission in sorted(table.items())]
    return "\n".join(lines) + "\n"


def order_status() -> str:
    from orders.status import OPEN, TRANSITIONS, WITHOUT_REVENUE

    lines = [
        "# The life of an order",
        "",
        "Told from `orders/status.py` by `make docs`; a step that is not drawn is refused, whoever asks for it.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {next(iter(TRANSITIONS)).value}",
    ]
    for status, following in TRANSITIONS.items():
        lines += [f"    {status.value} --> {to.value}" for to in following] or [f"    {status.value} --> [*]"]
    lines += ["```", "", "| status | may become | open | counts as revenue |", "| --- | --- | :-: | :-: |"]
    for status, following in TRANSITIONS.items():
        next_ones = ", ".join(to.label.lower() for to in following) or "nothing: its way ends there"
        is_open, counts = ("✓" if status in OPEN else ""), ("" if status in WITHOUT_REVENUE else "✓")
        lines.append(f"| {status.label.lower()} | {next_ones} | {is_open} | {counts} |")
    return "\n".join(lines) + "\n"


def definitions() -> str:
    from history.reports.causes import DEFINITION
    from history.reports.views import REPORTS

    lines = [
        "# What the reports count",
        "",
        "Told from `history/reports/definitions.py` and the reports by `make docs`; each page has its own at its",
        "foot. Page, CSV, API and tests use the same; `tests/history/report_sql.py` asks each of PostgreSQL.",
        "",
        "A day is a day in the shop's `TIME_ZONE`, from midnight to midnight, daylight saving included; an interval",
        "has its first moment and not its last. Money is exact to the cent. Percentages are rounded to a tenth,",
        "averages to the cent, halves up; of nothing there is no percentage and no average. Orders count as they",
        "stand now, or at the moment that `?as_of=` names. Archived orders count like live ones. How far the figures",
        "are behind stands on each page.",
        "",
        "The days right before are as many days. The same days last year have the same dates, 29 February becomes the",
        "28th; whole months, and so quarters and years, are compared with the same whole months. Where clocks go back",
        "over midnight, a moment is of the day that the clock shows then.",
    ]
    for name, kind in REPORTS.items():
        told = [*sys.modules[kind.ask.__module__].DEFINITIONS, *([DEFINITION] if kind.causes else [])]
        lines += ["", f"## {kind.title}", "", f"`/reports/{name}/`. {kind.explanation}", "", "| number | counts |"]
        lines += ["| --- | --- |", *(f"| {number} | {meaning} |" for number, meaning in told)]
    return "\n".join(lines) + "\n"


PAGES = {"roles.md": roles, "order-status.md": order_status, "definitions.md": definitions}


def main(into: Path = DOCS) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-the-docs")
    os.environ.setdefault("LOCAL", "1")
    django.setup()
    into.mkdir(exist_ok=True)
    for name, tell in PAGES.items():
        (into / name).write_text(tell(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
