"""Files and functions that can be read at once."""

from __future__ import annotations

import ast

import pytest

from tests.config.processes import ROOT

FOLDERS = ("core", "config", "users", "catalog", "orders", "history", "tests", "docs")
MOST_LINES = 400
MOST_OF_A_FUNCTION = 50


@pytest.fixture(scope="module")
def texts():
    files = [*ROOT.glob("*.py"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))]

    assert len(files) > 400, "the tree was not found"

    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


def test_no_file_is_over_400_lines(texts):
    assert {name: lines for name, text in texts.items() if (lines := len(text.splitlines())) > MOST_LINES} == {}


def test_no_function_is_over_50_lines(texts):
    long = [
        f"{name}:{function.lineno} {function.name}: {lines}"
        for name, text in texts.items()
        for function in functions(ast.parse(text))
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > MOST_OF_A_FUNCTION
    ]

    assert long == []


def functions(within):
    """Those of a module and of its classes; one in a function is part of it."""
    for node in within.body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
