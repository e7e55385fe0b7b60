"""What the docs name is there: pages told from the code, links, files, functions, commands, targets, settings."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from config.roles import PERMISSIONS
from tests import docs

ROOT = docs.DOCS.parent
TEXTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(docs.DOCS.rglob("*.md"))]
APPS = "config|users|catalog|orders|history"
OTHER_FOLDERS = "docs|tests|templates|static|locale|requirements"
# Where the environment is read. PROMETHEUS_MULTIPROC_DIR is set by gunicorn.conf.py itself.
READERS = ("config/settings.py", "config/environment.py", "gunicorn.conf.py", "config/heartbeat.py", "config/run.py")
ENVIRONMENT = re.compile(
    r'\.(?:text|flag|number|names|folder|store|database|email|environ\.get)\(\s*["\']([A-Z][A-Z_]+)["\']'
)

every_text = pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize("name", docs.PAGES)
def test_what_is_told_from_the_code_is_as_it_is(name):
    written = (docs.DOCS / name).read_text(encoding="utf-8")

    assert written == docs.PAGES[name](), "run `make docs`"


def test_the_command_tells_the_same(tmp_path):
    subprocess.run([sys.executable, "-m", "tests.docs", tmp_path], cwd=ROOT, check=True)

    told = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert told == {name: tell() for name, tell in docs.PAGES.items()}


@every_text
def test_every_link_leads_somewhere(path):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()) if "://" not in link]

    assert [link for link in links if not leads_somewhere(path, link)] == []


@every_text
def test_every_command_and_target_exists(path):
    text = path.read_text()
    typed = "\n".join([*spans_of(path), *re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)])
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    modules = re.findall(r"python3? -m ((?:tests|config)(?:\.\w+)*)", text)

    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= get_commands().keys()
    assert set(re.findall(r"^make ([a-z]+)\b", typed, re.MULTILINE)) <= targets
    assert [module for module in modules if not find_spec(module)] == []


@every_text
def test_every_file_and_function_named_exists(path):
    spans = spans_of(path)
    files = [
        span
        for span in spans
        if re.fullmatch(rf"(?:{APPS}|docs|tests|templates|static|locale|requirements)/[\w./*-]+", span)
    ]
    names = [span for span in spans if re.fullmatch(rf"(?:{APPS})(?:\.\w+)+", span) and not span.endswith(".py")]

    assert [name for name in files if "NAME" not in name and "APP" not in name and not any(ROOT.glob(name))] == []
    assert [name for name in names if not is_known(name)] == []


def test_every_command_of_ours_is_told_of():
    table = re.findall(r"^\| (`.*?) \|", (docs.DOCS / "operations.md").read_text(), re.MULTILINE)
    told = {name for cell in table for name in re.findall(r"`([a-z_]+)", cell)}
    ours = {name for name, app in get_commands().items() if app in APPS.split("|")}

    assert ours <= told


def test_every_setting_is_told_of_and_nothing_else():
    read = {name for file in READERS for name in ENVIRONMENT.findall((ROOT / file).read_text())}
    cells = re.findall(r"^\| (`[A-Z].*?) \|", (docs.DOCS / "configuration.md").read_text(), re.MULTILINE)

    assert {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)} == read


def test_every_metric_is_told_of_and_nothing_else():
    made = set(re.findall(r'"(shop_\w+)"', (ROOT / "config/metrics.py").read_text()))
    made |= {f"shop_database_{name}" for name in ("pool_size", "pool_available", "requests_waiting")}
    told = re.findall(r"^\| (`shop_.*?) \|", (docs.DOCS / "operations.md").read_text(), re.MULTILINE)

    assert {name.removesuffix("_total") for cell in told for name in re.findall(r"`(shop_\w+)", cell)} == made


def test_every_table_is_told_of():
    ours = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in APPS.split("|")}

    assert ours <= set(spans_of(docs.DOCS / "architecture.md"))


def test_every_line_of_the_logs_is_told_of():
    told = [span.rstrip(" …") for span in spans_of(docs.DOCS / "operations.md") if len(span) > 8]
    said = {line for app in APPS.split("|") for file in (ROOT / app).rglob("*.py") for line in logged(file)}

    assert len(said) > 20
    assert [line for line in said if not line.startswith(tuple(told))] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


def spans_of(path: Path) -> list[str]:
    """What a page has between single backticks."""
    prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def logged(file: Path) -> Iterator[str]:
    """What a module says in the logs, with … for each value."""
    text = file.read_text()
    for node in ast.walk(ast.parse(text)) if "logger" in text else ():
        match node:
            case ast.Call(func=ast.Name(id="Trouble"), args=[_, ast.Constant(value=said)]):
                yield f"{said}: …"
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="logger"), attr=level), args=[ast.Constant(value=said), *_]
            ):
                if level != "debug":
                    yield re.sub(r"%\w", "…", said)


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_known(name: str) -> bool:
    """Whether a permission, a column of a table, or a module and what is named in it, is there."""
    columns = {f"{model._meta.db_table}.{field.column}" for model in apps.get_models() for field in model._meta.fields}
    if name in PERMISSIONS or name in columns:
        return True
    parts = name.split(".")
    module = [each for each in accumulate(parts, lambda path, part: f"{path}.{part}") if is_module(each)][-1]
    found = importlib.import_module(module)
    for part in parts[module.count(".") + 1 :]:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what is before the last dot is no package
        return False
