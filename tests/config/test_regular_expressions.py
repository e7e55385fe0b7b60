"""Time grows with a text's length, not with its square, in every regular expression that the product has."""

from __future__ import annotations

import ast
import importlib
import logging
import re
import subprocess
import time
from pathlib import Path

import pytest

from catalog.templatetags.catalog import marked
from config.logs import MAX_MESSAGE, JsonFormatter
from history.erasure.person import Person

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {"compile", "match", "search", "sub", "split", "findall", "fullmatch", "finditer"}
# What a client can repeat: letters, digits, blanks, and what stands between the parts of a pattern.
PIECES = ["a", "1", " ", "é", "-", ".", "@", "a@", "a.", "1.", "-1", "a1", "a ", "(", "\\", "_a", "2026-01-01", "\x21"]


def sources():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.split() if not path.startswith(("tests/", "docs/")) and "migr" not in path]


def is_regular_expression(call):
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
        return function.attr in FUNCTIONS
    return isinstance(function, ast.Name) and function.id in {"RegexValidator", "re_path"}


def patterns():
    """Each pattern that is written down, with its place."""
    for path in sources():
        tree = ast.parse((ROOT / path).read_text())
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            given = [word.value for word in call.keywords if word.arg == "pattern"]
            given += call.args[:1] if is_regular_expression(call) else []
            for value in given:
                if isinstance(value, ast.Name):
                    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
                    value = ast.Constant(getattr(module, value.id, None))  # noqa: PLW2901
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield pytest.param(value.value, id=f"{path}: {value.value[:40]}")


def seconds(function, text):
    """The least of three, in time of this thread alone: a busy machine makes no difference."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        function(text)
        taken.append(time.thread_time() - began)
    return min(taken)


def assert_linear(function, piece, end=""):
    short, long = (seconds(function, piece * (length // len(piece)) + end) for length in (5_000, 20_000))
    # Four times as long takes four times as long, or sixteen times where it grows with the square.
    assert long < 0.005 or long < 9 * short
    assert seconds(function, piece * (100_000 // len(piece)) + end) < 2


@pytest.mark.parametrize("pattern", list(patterns()))
def test_no_pattern_takes_the_square_of_a_texts_length(pattern):
    compiled = re.compile(pattern)

    for piece in PIECES:
        for end in ("", "!", "\n"):
            assert_linear(compiled.search, piece, end)
            assert_linear(compiled.fullmatch, piece, end)


@pytest.mark.parametrize("piece", PIECES)
def test_patterns_that_are_put_together_are_linear_too(piece):
    person = Person(1, words=("Ada Lovelace", "1 Main Street"))

    assert_linear(person.without, piece)
    assert_linear(lambda text: marked(text, "a 1"), piece)


def logged(text):
    record = logging.LogRecord("django.security", logging.WARNING, "", 0, "Origin %s is refused", (text,), None)
    return JsonFormatter().format(record)


@pytest.mark.parametrize("piece", PIECES)
def test_a_line_of_the_log_quotes_little_of_a_long_header(piece):
    assert_linear(logged, piece)

    assert len(logged(piece * 100_000)) < 7 * MAX_MESSAGE


def test_addresses_are_masked_wherever_they_stand():
    assert "shop.example" not in logged("ada@shop.example, <eve@shop.example> x=bob@shop.example")
